// A hash that is part of the contract: the same on every machine, build and release (rendezvous hashing, cohorts).
// Stateless.
// Any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::base {

// XXH3 with 64 bits of `bytes` under `seed`. A user's cohort depends on it in every replica and across upgrades, so it
// may never change; tests pin its values. Not for secrets: who knows the seed can make collisions.
uint64_t StableHash64(std::string_view bytes, uint64_t seed) noexcept;

}  // namespace headgate::base
