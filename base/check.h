// HG_CHECK: ends the process when an invariant of ours is broken. Never for what came from the network.
// Stateless.
// Any thread.
#pragma once

namespace headgate::base {

// Prints "file:line: check failed: expression" to standard error and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* expression) noexcept;

}  // namespace headgate::base

#define HG_CHECK(expression)                          \
  (__builtin_expect(static_cast<bool>(expression), 1) \
       ? static_cast<void>(0)                         \
       : ::headgate::base::CheckFailed(__FILE__, __LINE__, #expression))
