// Finds a cookie in a request (RFC 6265 5.4).
// Stateless.
// Any thread. No allocation.
#pragma once

#include <optional>
#include <string_view>

#include "http/header_map.h"

namespace headgate::http {

// The first cookie's value of that name (case-sensitive), as it came, quotes included; nothing when there is none.
// The view lives as long as the field's text.
std::optional<std::string_view> FindCookie(const HeaderMap& headers, std::string_view name) noexcept;

}  // namespace headgate::http
