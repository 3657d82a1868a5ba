// Dates as HTTP writes them: IMF-fixdate (RFC 9110 5.6.7).
// Stateless.
// Any thread. Costs some hundred instructions: keep the text for the second it is good for.
#pragma once

#include <cstddef>
#include <span>

#include "base/clock.h"

namespace headgate::http {

inline constexpr size_t kDateBytes = 29;
// "Sun, 06 Nov 1994 08:49:37 GMT"; all of `out` is written. Years 0 to 9999.
void FormatDate(base::WallTime time, std::span<char, kDateBytes> out) noexcept;

}  // namespace headgate::http
