// Escapes text for a JSON string without allocating, for the access log.
// A function; its buffer is the caller's.
// Any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace headgate::base::json {

struct Escaped {
  size_t written = 0;   // bytes of `out` that are filled
  size_t consumed = 0;  // bytes of `text` that are represented; fewer than all when `out` is full
};

// Writes `text` as the inside of a JSON string (no quotes): quote, backslash and control characters escaped, each byte
// that is not part of valid UTF-8 as \ufffd. Stops before a character that does not fit whole.
Escaped AppendEscaped(std::span<char> out, std::string_view text) noexcept;

}  // namespace headgate::base::json
