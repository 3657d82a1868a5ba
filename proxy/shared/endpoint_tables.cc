#include "proxy/shared/endpoint_tables.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/hash.h"

namespace headgate::proxy {
namespace {

// Seeds are part of the contract: replicas must agree.
constexpr uint64_t kMaglevOffsetSeed = 1;
constexpr uint64_t kMaglevSkipSeed = 2;

// A ring's points for an endpoint of average weight; fewer where the ring would have more than kRingMax.
constexpr size_t kRingPoints = 160;
constexpr size_t kRingMax = size_t{1} << 20;

// Maglev wants a prime well above the number of endpoints: shares are right within one place.
constexpr size_t kMaglevPlaces = 64;
constexpr std::array<uint32_t, 5> kPrimes = {4093, 16381, 65537, 262139, 1048573};

uint32_t WeightOf(const TableEntry& entry) noexcept { return std::max<uint32_t>(entry.weight, 1); }

uint64_t TotalOf(const std::vector<TableEntry>& entries) noexcept {
  uint64_t total = 0;
  for (const TableEntry& entry : entries) total += WeightOf(entry);
  return total;
}

// 0, 1/2, 1/4, 3/4, 1/8, ...: neighbours lie far from each other.
double Phase(uint32_t index) noexcept {
  uint32_t reversed = 0;
  for (int bit = 0; bit < 32; ++bit) reversed |= ((index >> bit) & 1U) << (31 - bit);
  return (reversed + 0.5) * 0x1p-32;
}

}  // namespace

std::shared_ptr<const Schedule> MakeSchedule(const std::vector<TableEntry>& entries) {
  uint32_t divisor = 0;
  for (const TableEntry& entry : entries) divisor = std::gcd(divisor, WeightOf(entry));
  const auto differs = [&](const TableEntry& entry) { return WeightOf(entry) != WeightOf(entries.front()); };
  if (std::none_of(entries.begin(), entries.end(), differs)) return nullptr;
  const uint64_t total = TotalOf(entries) / divisor;
  std::vector<std::pair<double, uint32_t>> turns;
  for (uint32_t i = 0; i < entries.size(); ++i) {
    uint64_t count = WeightOf(entries[i]) / divisor;
    if (total > kScheduleMax) count = std::max<uint64_t>((count * kScheduleMax + total / 2) / total, 1);
    for (uint64_t k = 0; k < count; ++k) {
      turns.emplace_back((static_cast<double>(k) + Phase(i)) / static_cast<double>(count), i);
    }
  }
  std::sort(turns.begin(), turns.end());
  auto schedule = std::make_shared<Schedule>();
  schedule->reserve(turns.size());
  for (const auto& [when, index] : turns) schedule->push_back(index);
  return schedule;
}

HashTable::HashTable(routing::LoadBalancingPolicy policy, const std::vector<TableEntry>& entries) {
  HG_CHECK(!entries.empty());
  if (policy == routing::LoadBalancingPolicy::kRingHash) {
    FillRing(entries);
  } else {
    FillMaglev(entries);
  }
}

void HashTable::FillRing(const std::vector<TableEntry>& entries) {
  const uint64_t total = TotalOf(entries);
  const size_t wanted = std::min(entries.size() * kRingPoints, kRingMax);
  places_.reserve(wanted + entries.size());
  for (uint32_t i = 0; i < entries.size(); ++i) {
    const uint64_t points = std::max<uint64_t>(wanted * WeightOf(entries[i]) / total, 1);
    for (uint64_t k = 0; k < points; ++k) {
      const uint64_t point = base::StableHash64(entries[i].name, k) >> 32U;
      places_.push_back((point << 32U) | i);
    }
  }
  std::sort(places_.begin(), places_.end());
  const auto bits = static_cast<uint32_t>(std::bit_width(places_.size()));
  shift_ = 32 - bits;
  starts_.resize(size_t{1} << bits);
  size_t place = 0;
  for (size_t bucket = 0; bucket < starts_.size(); ++bucket) {
    while (place < places_.size() && (places_[place] >> (32U + shift_)) < bucket) ++place;
    starts_[bucket] = static_cast<uint32_t>(place);
  }
}

// Eisenbud and others, "Maglev", NSDI 2016, 3.4. Each endpoint takes the free places of its own permutation, in turns;
// one of less weight sits out turns.
void HashTable::FillMaglev(const std::vector<TableEntry>& entries) {
  size_t count = kPrimes.back();
  for (const uint32_t prime : kPrimes) {
    if (prime < entries.size() * kMaglevPlaces) continue;
    count = prime;
    break;
  }
  struct Turn {
    uint64_t place;
    uint64_t skip;
    uint64_t credit;
    uint32_t index;
  };
  std::vector<Turn> turns;
  uint64_t heaviest = 1;
  for (uint32_t i = 0; i < entries.size(); ++i) {
    turns.push_back({base::StableHash64(entries[i].name, kMaglevOffsetSeed) % count,
                     base::StableHash64(entries[i].name, kMaglevSkipSeed) % (count - 1) + 1, 0, i});
    heaviest = std::max<uint64_t>(heaviest, WeightOf(entries[i]));
  }
  // DNS gives addresses in any order.
  std::sort(turns.begin(), turns.end(),
            [&](const Turn& a, const Turn& b) { return entries[a.index].name < entries[b.index].name; });
  constexpr uint64_t kFree = ~uint64_t{0};
  places_.assign(count, kFree);
  size_t taken = 0;
  while (taken < count) {
    for (Turn& turn : turns) {
      turn.credit += WeightOf(entries[turn.index]);
      if (turn.credit < heaviest || taken == count) continue;
      turn.credit -= heaviest;
      while (places_[turn.place] != kFree) turn.place = (turn.place + turn.skip) % count;
      places_[turn.place] = turn.index;
      ++taken;
    }
  }
}

size_t HashTable::PlaceOf(uint64_t hash) const noexcept {
  if (starts_.empty()) return hash % places_.size();
  const uint64_t point = hash >> 32U;
  size_t place = starts_[point >> shift_];
  while (place < places_.size() && (places_[place] >> 32U) < point) ++place;
  return place < places_.size() ? place : 0;
}

}  // namespace headgate::proxy
