// What two routes have in common if they have the same listener, hostname and matches: one key for each pair of a
// hostname and a match of a route.
// Owned by the unit whose routes they came from.
// Control thread.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "config/model.h"

namespace headgate::config {

/// 128 bits of hash: for 100,000 routes a false meeting is less likely than 1e-28.
struct MatchKey {
  uint64_t high = 0;
  uint64_t low = 0;
  friend bool operator==(const MatchKey&, const MatchKey&) = default;
};

struct MatchKeyHash {
  size_t operator()(const MatchKey& key) const { return static_cast<size_t>(key.low); }
};

struct MatchClaim {
  MatchKey key;
  const Route* route = nullptr;
};

/// Claims of every route. Hostnames in any case, an address in any form, header conditions in any order, paths that are
/// normalised to the same, and `/a` and `/a/` as prefixes, are the same.
std::vector<MatchClaim> MatchClaims(const Model& unit);

/// Whether some listener takes both routes; no listeners named means all.
bool ShareListener(const Route& a, const Route& b);

}  // namespace headgate::config
