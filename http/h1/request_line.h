// The request line (RFC 9112 3), strict: one space between three parts, CRLF, versions that exist.
// Values; text is a view of the input.
// Any thread.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.h"
#include "http/message.h"

namespace headgate::http::h1 {

struct RequestLine {
  Method method = Method::kGet;
  Version version = Version::kHttp11;
  std::string_view target;  // as it came; may still hold bytes that http/uri refuses
  size_t bytes = 0;         // with its CRLF
};

// `data` begins with a complete line. 501, 505, 405, 414 by their codes, else kBadRequest.
base::Result<RequestLine> ParseRequestLine(std::string_view data, size_t target_bytes_max) noexcept;

}  // namespace headgate::http::h1
