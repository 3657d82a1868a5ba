#include "http/accept.h"

#include "http/ascii.h"
#include "http/media_type.h"

namespace headgate::http {
namespace {

// The weight of a type and how specific the range is that gave it: 0 nothing, 1 "*/*", 2 "type/*", 3 the type itself.
struct Weight {
  int thousandths = 0;
  int specific = 0;
  size_t position = 0;
  void Offer(int range_specific, int range_thousandths, size_t range_position) noexcept {
    if (range_specific <= specific) return;
    *this = {range_thousandths, range_specific, range_position};
  }
};

// ";q=0.5" among the parameters, in thousandths; 1000 without one; 0 when it is malformed.
int ParseWeight(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    const size_t end = parameters.find(';');
    const std::string_view parameter = TrimOws(parameters.substr(0, end));
    if (parameter.size() > 2 && LowerChar(parameter[0]) == 'q' && parameter[1] == '=') {
      const std::string_view value = parameter.substr(2);
      if (value.size() > 5 || (value[0] != '0' && value[0] != '1') || (value.size() > 1 && value[1] != '.')) return 0;
      if (value[0] == '1') return 1000;
      int thousandths = 0;
      int unit = 100;
      for (const char c : value.size() > 2 ? value.substr(2) : std::string_view()) {
        if (!IsDigit(c)) return 0;
        thousandths += (c - '0') * unit;
        unit /= 10;
      }
      return thousandths;
    }
    if (end == std::string_view::npos) break;
    parameters.remove_prefix(end + 1);
  }
  return 1000;
}

}  // namespace

bool PrefersJson(const HeaderMap& headers) noexcept {
  Weight json;
  Weight text;
  size_t position = 0;
  for (const HeaderField& field : headers.fields()) {
    if (field.id != HeaderId::kAccept) continue;
    ForEachListElement(field.value, [&](std::string_view element) {
      const size_t semicolon = element.find(';');
      const std::string_view range = EssenceOf(element);
      const int weight = semicolon == std::string_view::npos ? 1000 : ParseWeight(element.substr(semicolon + 1));
      ++position;
      if (range == "*/*") {
        json.Offer(1, weight, position);
        text.Offer(1, weight, position);
      }
      if (EqualsIgnoreCase(range, "application/*")) json.Offer(2, weight, position);
      if (EqualsIgnoreCase(range, "text/*")) text.Offer(2, weight, position);
      if (EqualsIgnoreCase(range, "application/json")) json.Offer(3, weight, position);
      if (EqualsIgnoreCase(range, "text/plain")) text.Offer(3, weight, position);
      return true;
    });
  }
  if (json.thousandths != text.thousandths) return json.thousandths > text.thousandths;
  if (json.thousandths == 0 || json.specific != 3) return false;
  return text.specific != 3 || json.position < text.position;
}

}  // namespace headgate::http
