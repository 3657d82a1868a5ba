// What of a pattern would mean something else over bytes than over the characters that its author wrote.
// Stateless.
// Any thread.
#pragma once

#include <string_view>

namespace headgate::routing {

// A sentence for the author of the pattern; null when it means what it says. Text outside of ASCII is several bytes:
// fine as text, not in a class, under a quantifier or when case is ignored.
const char* FaultOverBytes(std::string_view pattern) noexcept;

}  // namespace headgate::routing
