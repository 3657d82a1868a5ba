// One normaliser for hosts and paths (RFC 3986 6.2, RFC 9110 4.2): the same text is routed, forwarded and logged.
// Stateless functions; results live in the input or the arena.
// Any thread.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "base/error.h"

namespace headgate::http {

struct Authority {
  std::string_view host;  // lower case, no trailing dot; "[...]" for IPv6
  uint16_t port = 0;      // 0: none given
};
// "host[:port]"; an empty port is none. User info, a path, an empty host, port 0 and bad ports are errors (RFC
// 9110 7.2).
base::Result<Authority> ParseAuthority(std::string_view text, base::Arena& arena) noexcept;

struct Target {
  std::string_view path;        // as forwarded, never empty
  std::string_view match_path;  // `//` merged
  std::string_view query;
  bool has_query = false;
};
// Origin form ("/path?query"). In the path: `.` and `..` segments resolved (above the root: 400), percent-encoded
// unreserved characters decoded, bytes above 0x7f percent-encoded, other escapes as they came (%2F is data; 400 where
// it would make a dot segment); a dot segment with a parameter ("..;x"): 400; %00, %5C, broken escapes, a raw
// backslash: 400. In the query only bytes above 0x7f change.
// '#', spaces and controls anywhere: 400. match_path has hex digits in upper case besides, so that equals match.
base::Result<Target> NormalizeTarget(std::string_view origin_form, base::Arena& arena) noexcept;

// Decoding for query matches and the like: %xx and '+'. Broken escapes stay as they are.
std::string_view DecodeQueryComponent(std::string_view text, base::Arena& arena) noexcept;

}  // namespace headgate::http
