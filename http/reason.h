// Reason phrases of status codes (RFC 9110 15 and the IANA registry).
// Constants.
// Any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::http {

// "Not Found"; empty for a status that is not registered (RFC 9112 4 allows an empty phrase).
std::string_view ReasonPhrase(uint16_t status) noexcept;

}  // namespace headgate::http
