// Values of the file out of their text: strict, decimal, nothing around them.
// Owned by nobody: functions.
// Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/values.h"

namespace headgate::config {

/// Decimal digits only. "010" is refused: nobody can tell whether eight or ten was meant.
std::optional<uint64_t> ParseCount(std::string_view text);

/// A count and ms, s, m or h: "250ms", "1h". Up to 10 years. No fractions, no bare numbers.
std::optional<Duration> ParseDuration(std::string_view text);

/// A count of bytes, or one of KiB, MiB, GiB: "512", "64KiB".
std::optional<uint64_t> ParseSize(std::string_view text);

/// "20%", "0.25%": 0 to 100, at most four decimals.
std::optional<Percent> ParsePercent(std::string_view text);

/// "true" or "false", nothing else.
std::optional<bool> ParseBool(std::string_view text);

/// "name:80", "10.0.0.1:80", "[::1]:80". The port is 1 to 65535; an IPv6 address needs its brackets.
std::optional<HostPort> ParseHostPort(std::string_view text);

/// RFC 1123 labels of letters, digits, '-' and '_', 253 bytes at most, 63 a label; a trailing dot is fine. Something
/// that reads as an IPv4 address (the last label is a number) is not a name.
bool IsDnsName(std::string_view text);

/// A DNS name, an IP address (v6 without brackets or with), or "*." and a DNS name.
bool IsRouteHostname(std::string_view text);

/// RFC 9110 section 5.6.2.
bool IsToken(std::string_view text);

/// RFC 9110 section 5.5 without obs-text folding: no controls but tab inside, no white space at the ends.
bool IsHeaderValue(std::string_view text);

/// RFC 6265 cookie-octets.
bool IsCookieValue(std::string_view text);

/// Of listeners, upstreams, routes: 1 to 128 printable ASCII characters without spaces, quotes, backslash and braces.
bool IsName(std::string_view text);

/// Empty, or why this is not an absolute path that a request can have: it starts with '/', is printable ASCII or UTF-8,
/// and holds no '?', '#', backslash, "//" or dot segment.
std::string PathProblem(std::string_view text);

/// `path` below `directory` unless absolute, with "." and ".." taken out of it; ".." above a relative start is kept.
std::string ResolvePath(std::string_view directory, std::string_view path);

/// Whether normalised `path` is `directory` or below it. Symbolic links are not followed.
bool IsInside(std::string_view path, std::string_view directory);

}  // namespace headgate::config
