// Which form our own answers take by the request's Accept (RFC 9110 12.5.1).
// Stateless.
// Any thread. No allocation.
#pragma once

#include "http/header_map.h"

namespace headgate::http {

// Whether JSON is wanted more than plain text. When both are wanted alike, only if it was named and before text/plain:
// a browser and curl get text.
bool PrefersJson(const HeaderMap& headers) noexcept;

}  // namespace headgate::http
