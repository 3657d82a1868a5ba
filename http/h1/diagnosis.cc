#include "http/ascii.h"
#include "http/h1/field_parser.h"

namespace headgate::http::h1 {
namespace {

bool IsControl(char c) noexcept { return (static_cast<uint8_t>(c) < 0x20 && c != '\t') || c == 0x7f; }

const char* DiagnoseLine(std::string_view line) noexcept {
  if (line.empty()) return nullptr;
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return "a field without a colon";
  if (colon == 0) return "an empty field name";
  const std::string_view name = line.substr(0, colon);
  if (IsOws(name.back())) return "white space before a colon";
  if (!IsToken(name)) return "a field name that is not a token";
  return nullptr;
}

}  // namespace

const char* DiagnoseBytes(std::string_view data) noexcept {
  for (size_t i = 0; i < data.size(); ++i) {
    const char c = data[i];
    if (!IsControl(c)) continue;
    if (c == '\n') {
      if (i == 0 || data[i - 1] != '\r') return "a bare LF";
      if (i + 1 < data.size() && IsOws(data[i + 1])) return "a folded field";
    } else if (c == '\r') {
      if (i + 1 < data.size() && data[i + 1] != '\n') return "a bare CR";
    } else {
      return c == '\0' ? "NUL in the head" : "a control character in the head";
    }
  }
  return nullptr;
}

const char* DiagnoseLines(std::string_view data) noexcept {
  if (!data.empty() && IsOws(data.front())) return "white space before the first field";
  const char* fault = DiagnoseBytes(data);
  while (fault == nullptr) {
    const size_t end = data.find("\r\n");
    if (end == std::string_view::npos) break;
    fault = DiagnoseLine(data.substr(0, end));
    data.remove_prefix(end + 2);
  }
  return fault;
}

}  // namespace headgate::http::h1
