// Whether a sanitizer makes everything ten times slower; it sees in a part of the rounds what it sees in all of them.
// Constants.
// Any thread.
#pragma once

namespace headgate::support {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// The rounds of a loop that takes seconds: `all` of them, under a sanitizer a tenth.
constexpr int Rounds(int all) noexcept { return kSanitized ? all / 10 : all; }

}  // namespace headgate::support
