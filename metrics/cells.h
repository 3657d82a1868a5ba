// Cells of each kind of id, and where those of one owner lie: one id after the other, in the order of the rows.
// Constants.
// Any thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "metrics/histogram.h"
#include "metrics/ids.h"
#include "metrics/reasons.h"
#include "metrics/shard.h"

namespace headgate::metrics {

// Ids of one cell may stand in an array: a cell for each known value of a label.
template <class Ids>
struct IdTraits {
  static constexpr uint32_t kCells = 1;
  static constexpr size_t kIds = 1;
};
template <class Id, size_t kCount>
struct IdTraits<std::array<Id, kCount>> {
  static constexpr uint32_t kCells = kCount;
  static constexpr size_t kIds = kCount;
};
template <>
struct IdTraits<HistogramId> {
  static constexpr uint32_t kCells = kHistogramCells;
  static constexpr size_t kIds = 1;
};
template <>
struct IdTraits<RequestsId> {
  static constexpr uint32_t kCells = Shard::kRequestsCells;
  static constexpr size_t kIds = 1;
};
template <>
struct IdTraits<ErrorsId> {
  static constexpr uint32_t kCells = kProxyErrorReasonCount;
  static constexpr size_t kIds = kProxyErrorReasonCount;
};

template <class Id>
constexpr void Number(Id& id, uint32_t first) noexcept {
  id.cell = first;
}
template <class Id, size_t kCount>
constexpr void Number(std::array<Id, kCount>& ids, uint32_t first) noexcept {
  for (Id& id : ids) id.cell = first++;
}

template <class Id>
constexpr uint32_t FirstCell(const Id& id) noexcept {
  return id.cell;
}
template <class Id, size_t kCount>
constexpr uint32_t FirstCell(const std::array<Id, kCount>& ids) noexcept {
  return ids[0].cell;
}

// Gives ids their cells from `first` on.
class CellLayout {
 public:
  constexpr explicit CellLayout(uint32_t first) noexcept : next_(first) {}
  template <class Ids>
  constexpr void Place(Ids& ids) noexcept {
    constexpr uint32_t kCells = IdTraits<Ids>::kCells;
    // A power of two begins at one, so that a histogram touches no more cache lines than it must.
    if (std::has_single_bit(kCells)) next_ = (next_ + kCells - 1) / kCells * kCells;
    Number(ids, next_);
    next_ += kCells;
  }
  constexpr uint32_t next() const noexcept { return next_; }

 private:
  uint32_t next_;
};

}  // namespace headgate::metrics
