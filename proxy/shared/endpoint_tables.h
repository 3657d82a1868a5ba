// Tables from which endpoints are drawn: by weight, and by hash (a ring, or Maglev's table).
// Part of an EndpointSet; built once on the control thread, shared by all workers.
// Any thread: immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "routing/policy/upstream.h"

namespace headgate::proxy {

// An endpoint as the tables know it. The name, and nothing else, decides its places: replicas and later releases agree.
struct TableEntry {
  std::string_view name;  // "10.1.2.3:8080"
  uint32_t weight = 1;    // 0 counts as 1
};

// Indexes of endpoints, each as often as its weight says and evenly spread. Who walks it gives smooth turns; a place
// that is drawn at random is an endpoint drawn by weight. Weights are rounded where they add up to more than
// kScheduleMax, and everybody keeps one place. Null: all weights are equal, so that an index is enough.
inline constexpr size_t kScheduleMax = size_t{1} << 17;
using Schedule = std::vector<uint32_t>;
std::shared_ptr<const Schedule> MakeSchedule(const std::vector<TableEntry>& entries);

constexpr bool Hashes(routing::LoadBalancingPolicy policy) noexcept {
  return policy == routing::LoadBalancingPolicy::kRingHash || policy == routing::LoadBalancingPolicy::kMaglev;
}

// Maps a hash to an endpoint so that few hashes move when an endpoint comes or goes.
class HashTable {
 public:
  // `policy` is one that hashes; `entries` is not empty and has less than 2^32 of them, in any order.
  HashTable(routing::LoadBalancingPolicy policy, const std::vector<TableEntry>& entries);

  // The place of a hash. The places behind it, one after the other, are the next choices.
  size_t PlaceOf(uint64_t hash) const noexcept;
  uint32_t EndpointAt(size_t place) const noexcept { return static_cast<uint32_t>(places_[place]); }
  size_t Next(size_t place) const noexcept { return place + 1 < places_.size() ? place + 1 : 0; }
  size_t size() const noexcept { return places_.size(); }

 private:
  void FillRing(const std::vector<TableEntry>& entries);
  void FillMaglev(const std::vector<TableEntry>& entries);

  // A ring: 32 bits of its point above the index of the endpoint, sorted. Maglev: the index.
  std::vector<uint64_t> places_;
  // A ring's first place whose point has these highest bits, or a later one. Empty: Maglev's.
  std::vector<uint32_t> starts_;
  uint32_t shift_ = 0;  // a point's bits below those
};

}  // namespace headgate::proxy
