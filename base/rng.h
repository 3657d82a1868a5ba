// A small fast generator for choices that need no secrecy (jitter, load balancing). Seeded by its owner.
// Owned by a worker or a test.
// One thread.
#pragma once

#include <cstdint>

namespace headgate::base {

// splitmix64: 64 bits of state, passes BigCrush.
class Rng {
 public:
  explicit Rng(uint64_t seed) noexcept : state_(seed) {}
  uint64_t Next() noexcept {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
  }
  // Uniform in [0, bound); bound > 0.
  uint64_t Below(uint64_t bound) noexcept { return static_cast<uint64_t>((static_cast<Wide>(Next()) * bound) >> 64U); }

 private:
  __extension__ using Wide = unsigned __int128;  // beyond ISO C++, in both compilers

  uint64_t state_;
};

}  // namespace headgate::base
