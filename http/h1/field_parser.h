// llhttp behind the wall: parses a whole head and checks that what it saw tiles the bytes exactly as RFC 9112 has them.
// Stateless functions.
// Any thread. Allocates in the map's arena only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"
#include "http/header_map.h"

namespace headgate::http::h1 {

enum class HeadKind : uint8_t { kRequest, kResponse };

struct FieldLimits {
  size_t field_bytes = 0;
  size_t fields = 0;
};

// `data` is a head whose start line takes the first `start_line_bytes` (with CRLF) and which ends with its empty line.
// Every field is `name ":" OWS value OWS CRLF`, the name a token (lower-cased in place), nothing in between: folding,
// bare CR and LF, white space before a colon and empty names are errors. Fills `headers`.
base::Result<void> ParseFields(HeadKind kind, std::span<char> data, size_t start_line_bytes, const FieldLimits& limits,
                               HeaderMap& headers) noexcept;

// What is wrong with lines of a head, complete or not: a literal, or null when nothing is found. Slow: for refusals.
const char* DiagnoseLines(std::string_view data) noexcept;

// The same for the bytes alone, quickly: bare CR and LF, folding, control characters.
const char* DiagnoseBytes(std::string_view data) noexcept;

}  // namespace headgate::http::h1
