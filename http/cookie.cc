#include "http/cookie.h"

#include "http/ascii.h"

namespace headgate::http {
namespace {

std::optional<std::string_view> FindIn(std::string_view pairs, std::string_view name) noexcept {
  while (!pairs.empty()) {
    const size_t end = pairs.find(';');
    const std::string_view pair = TrimOws(pairs.substr(0, end));
    if (pair.size() > name.size() && pair[name.size()] == '=' && pair.starts_with(name)) {
      return pair.substr(name.size() + 1);
    }
    if (end == std::string_view::npos) break;
    pairs.remove_prefix(end + 1);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> FindCookie(const HeaderMap& headers, std::string_view name) noexcept {
  for (const HeaderField& field : headers.fields()) {
    if (field.id != HeaderId::kCookie) continue;
    const auto value = FindIn(field.value, name);
    if (value.has_value()) return value;
  }
  return std::nullopt;
}

}  // namespace headgate::http
