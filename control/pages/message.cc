#include "control/pages/message.h"

#include <algorithm>

namespace headgate::control::pages {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Broken escapes stay as they are. '+' is a blank in a query (HTML 4.10.21.7), not in a path.
std::string Decode(std::string_view text, bool of_query) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0;
    if (escape) {
      decoded += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      decoded += of_query && text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

std::string_view Find(const std::vector<std::pair<std::string, std::string>>& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace

std::string_view Request::Header(std::string_view name) const { return Find(headers, name); }

std::string_view Request::Query(std::string_view name) const { return Find(query, name); }

void SplitTarget(Request& request) {
  const std::string_view target = request.target;
  const size_t mark = target.find('?');
  request.path = Decode(target.substr(0, mark), false);
  request.query.clear();
  std::string_view rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    const size_t equals = part.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    request.query.emplace_back(Decode(part.substr(0, equals), true), Decode(value, true));
  }
}

Response TextResponse(int status, std::string text) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(text), .headers = {}};
}

Response JsonResponse(int status, std::string json) {
  return {.status = status, .content_type = "application/json", .body = std::move(json), .headers = {}};
}

}  // namespace headgate::control::pages
