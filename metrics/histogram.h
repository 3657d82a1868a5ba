// Bucket bounds and the search for a duration's bucket without a loop.
// Constants.
// Any thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "metrics/ids.h"

namespace headgate::metrics {

inline constexpr size_t kBucketBounds = 13;            // finite ones
inline constexpr size_t kBuckets = kBucketBounds + 1;  // with +Inf
inline constexpr size_t kHistogramSumCell = kBuckets;  // offset within the block
inline constexpr size_t kHistogramCells = 16;

// Each bound is at least twice the one before, so that between two powers of two lies at most one: the highest bit of
// a duration names the only bound that is left to compare with.
struct BucketTable {
  std::array<uint64_t, kBuckets> bounds{};  // nanoseconds, inclusive
  std::array<uint8_t, 65> first{};          // by bit width: the first bound that such a duration may be above

  constexpr explicit BucketTable(const std::array<uint64_t, kBucketBounds>& finite) {
    for (size_t i = 0; i < kBucketBounds; ++i) bounds[i] = finite[i];
    bounds[kBucketBounds] = std::numeric_limits<uint64_t>::max();
    for (size_t width = 1; width < first.size(); ++width) {
      const uint64_t lowest = uint64_t{1} << (width - 1);
      uint8_t index = 0;
      while (bounds[index] < lowest) ++index;
      first[width] = index;
    }
  }
  // Number of the bucket whose bound is the first at or above `ns`.
  constexpr size_t Find(uint64_t ns) const noexcept {
    const size_t index = first[static_cast<size_t>(std::bit_width(ns))];
    return index + (ns > bounds[index] ? 1 : 0);
  }
};

// What was observed, as a reader gets it.
struct HistogramValue {
  std::array<uint64_t, kBuckets> counts{};  // not cumulative
  uint64_t sum_ns = 0;
};

inline constexpr uint64_t kMicrosecond = 1'000;
inline constexpr std::array<BucketTable, kBucketLayoutCount> kBucketTables = {
    BucketTable({1000 * kMicrosecond, 2500 * kMicrosecond, 5000 * kMicrosecond, 10'000 * kMicrosecond,
                 25'000 * kMicrosecond, 50'000 * kMicrosecond, 100'000 * kMicrosecond, 250'000 * kMicrosecond,
                 500'000 * kMicrosecond, 1'000'000 * kMicrosecond, 2'500'000 * kMicrosecond, 5'000'000 * kMicrosecond,
                 10'000'000 * kMicrosecond}),
    BucketTable({10 * kMicrosecond, 25 * kMicrosecond, 50 * kMicrosecond, 100 * kMicrosecond, 250 * kMicrosecond,
                 500 * kMicrosecond, 1000 * kMicrosecond, 2500 * kMicrosecond, 5000 * kMicrosecond,
                 10'000 * kMicrosecond, 25'000 * kMicrosecond, 50'000 * kMicrosecond, 100'000 * kMicrosecond}),
};

}  // namespace headgate::metrics
