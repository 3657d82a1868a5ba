#include "http/field_list.h"

#include "http/ascii.h"

namespace headgate::http {

std::string_view JoinLines(const HeaderMap& headers, HeaderId id) {
  std::string_view list;
  if (!headers.MayHave(id)) return list;
  for (const HeaderField& field : headers.fields()) {
    if (field.id != id || field.value.empty()) continue;
    list = list.empty() ? field.value : headers.arena().Concat({list, ", ", field.value});
  }
  return list;
}

std::string_view FirstElement(const HeaderMap& headers, HeaderId id) noexcept {
  std::string_view first;
  if (!headers.MayHave(id)) return first;
  for (const HeaderField& field : headers.fields()) {
    if (field.id != id) continue;
    ForEachListElement(field.value, [&first](std::string_view element) {
      first = element;
      return false;
    });
    if (!first.empty()) break;
  }
  return first;
}

}  // namespace headgate::http
