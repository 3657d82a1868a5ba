// Media types as fields carry them (RFC 9110 8.3.1): compared without regard to case and parameters.
// Stateless functions.
// Any thread. No allocation.
#pragma once

#include <string_view>

namespace headgate::http {

// A field's value up to its parameters: "text/html" of "text/html ; charset=utf-8".
std::string_view EssenceOf(std::string_view value) noexcept;
// Whether the value's type is `lower_case`, whatever its parameters.
bool IsMediaType(std::string_view value, std::string_view lower_case) noexcept;
// application/grpc, alone or with a suffix.
bool IsGrpcContentType(std::string_view value) noexcept;

}  // namespace headgate::http
