// A family with label sets that only traffic brings: each gets a series of its own until the family is full, what comes
// later is folded into `_other`. A series never changes sides, so no sum ever goes back.
// Owned by metrics::Exporter.
// One scrape at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "metrics/entries.h"

namespace headgate::metrics {

class CappedFamily {
 public:
  explicit CappedFamily(size_t series_max) : series_max_(series_max) {}

  // Starts a scrape: `_other` holds what dropped entries had counted in it.
  void Begin() { other_ = retained_; }
  // True if (entry, key) has a series of its own; otherwise its value went to `_other`.
  bool Admit(std::vector<KnownKey>& known, uint32_t key, uint64_t value) {
    KnownKey* found = nullptr;
    for (KnownKey& one : known) {
      if (one.key == key) found = &one;
    }
    if (found == nullptr) found = &known.emplace_back(KnownKey{key, !TakePlace()});
    if (found->folded) other_[key] += value;
    return !found->folded;
  }
  void AddOther(uint32_t key, uint64_t value) { other_[key] += value; }
  const std::map<uint32_t, uint64_t>& other() const { return other_; }

  // (entry, key) is dropped for good.
  void Drop(const KnownKey& known, uint64_t value) {
    if (known.folded) {
      retained_[known.key] += value;
    } else {
      --admitted_;
    }
  }
  // Label sets that were folded, since the last call.
  size_t TakeFolded() noexcept { return std::exchange(folded_, 0); }

 private:
  bool TakePlace() {
    const bool free = admitted_ < series_max_;
    ++(free ? admitted_ : folded_);
    return free;
  }

  const size_t series_max_;
  size_t admitted_ = 0;
  size_t folded_ = 0;
  std::map<uint32_t, uint64_t> other_;
  std::map<uint32_t, uint64_t> retained_;
};

}  // namespace headgate::metrics
