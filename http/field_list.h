// Fields whose several lines are one list (RFC 9110 5.3).
// Stateless functions.
// Any thread. Allocates in the head's arena only.
#pragma once

#include <string_view>

#include "http/header_map.h"

namespace headgate::http {

// All lines of the field as one list; a view when there is but one that is not empty.
std::string_view JoinLines(const HeaderMap& headers, HeaderId id);
// The first element of the list that is not empty; empty when there is none.
std::string_view FirstElement(const HeaderMap& headers, HeaderId id) noexcept;

}  // namespace headgate::http
