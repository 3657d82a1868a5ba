#include "http/h1/request_line.h"

#include "http/ascii.h"

namespace headgate::http::h1 {
namespace {

using base::ErrorCode;

base::Error Fail(ErrorCode code, const char* detail) noexcept {
  return {code, base::Side::kClient, base::Retry::kNever, detail};
}

// "HTTP/1.1" and its kin. Well-formed but unknown from 2.0 up: 505; anything else that isn't 1.0 or 1.1: 400.
base::Error ParseVersion(std::string_view text, Version& version) noexcept {
  if (text == "HTTP/1.1") {
    version = Version::kHttp11;
    return {};
  }
  if (text == "HTTP/1.0") {
    version = Version::kHttp10;
    return {};
  }
  const bool well_formed =
      text.size() == 8 && text.starts_with("HTTP/") && IsDigit(text[5]) && text[6] == '.' && IsDigit(text[7]);
  if (!well_formed) return Fail(ErrorCode::kBadRequest, "the request line does not end in a version");
  if (text[5] >= '2') return Fail(ErrorCode::kVersionNotSupported, "HTTP version 2.0 or above");
  return Fail(ErrorCode::kBadRequest, "an HTTP version that does not exist");
}

base::Error ParseMethodToken(std::string_view token, Method& method) noexcept {
  if (token == "GET") return {};
  if (!IsToken(token)) return Fail(ErrorCode::kBadRequest, "the method is not a token");
  const auto known = ParseMethod(token);
  if (!known.has_value()) return Fail(ErrorCode::kUnknownMethod, "unknown method");
  method = *known;
  if (method == Method::kConnect || method == Method::kTrace) {
    return Fail(ErrorCode::kMethodNotAllowed, "CONNECT or TRACE");
  }
  return {};
}

}  // namespace

base::Result<RequestLine> ParseRequestLine(std::string_view data, size_t target_bytes_max) noexcept {
  const size_t cr = data.find('\r');
  if (cr == std::string_view::npos || cr + 1 >= data.size() || data[cr + 1] != '\n') {
    return Fail(ErrorCode::kBadRequest, "the request line does not end in CRLF");
  }
  RequestLine line;
  line.bytes = cr + 2;
  const std::string_view text = data.substr(0, cr);
  constexpr std::string_view kGet = "GET ";
  constexpr std::string_view kHttp11 = " HTTP/1.1";
  // A space within the target is http/uri's to refuse.
  if (text.starts_with(kGet) && text.ends_with(kHttp11) && text.size() > kGet.size() + kHttp11.size()) {
    line.target = text.substr(kGet.size(), text.size() - kGet.size() - kHttp11.size());
    if (line.target.size() <= target_bytes_max) return line;
  }
  const size_t first = text.find(' ');
  if (first == std::string_view::npos) return Fail(ErrorCode::kBadRequest, "a request line without spaces");
  const size_t second = text.find(' ', first + 1);
  if (second == std::string_view::npos) {
    return Fail(ErrorCode::kBadRequest, "a request line without a version (HTTP/0.9)");
  }
  line.target = text.substr(first + 1, second - first - 1);
  if (line.target.empty()) return Fail(ErrorCode::kBadRequest, "two spaces or no target in the request line");
  base::Error error = ParseVersion(text.substr(second + 1), line.version);
  if (error.code == ErrorCode::kNone) error = ParseMethodToken(text.substr(0, first), line.method);
  if (error.code != ErrorCode::kNone) return error;
  if (line.target.size() > target_bytes_max) return Fail(ErrorCode::kTargetTooLong, "the target is too long");
  return line;
}

}  // namespace headgate::http::h1
