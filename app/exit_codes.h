// The exit codes of every command (docs/configuration.md, "When something is wrong").
// Constants.
// Any thread.
#pragma once

namespace headgate::app {

inline constexpr int kExitOk = 0;
inline constexpr int kExitConfiguration = 1;  // or: the answer is no
inline constexpr int kExitUsage = 2;
inline constexpr int kExitAddress = 3;  // an address in use, or not permitted

}  // namespace headgate::app
