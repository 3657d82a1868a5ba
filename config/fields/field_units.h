// Units for the bounds in the field tables.
// Nobody owns it: constants.
// Any thread.
#pragma once

#include <cstdint>

namespace headgate::config {

inline constexpr uint64_t kMs = 1'000'000;
inline constexpr uint64_t kSecond = 1'000 * kMs;
inline constexpr uint64_t kHour = 3'600 * kSecond;
inline constexpr uint64_t kKiB = 1024;
inline constexpr uint64_t kMiB = 1024 * kKiB;
inline constexpr uint64_t kGiB = 1024 * kMiB;

}  // namespace headgate::config
