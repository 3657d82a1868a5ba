// The series of one kind (routes, upstreams, ...) by name: who holds them, and when the last holder let go.
// Owned by metrics::Registry.
// SeriesTable: under the registry's mutex. Lease: any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace headgate::metrics {

// What every entry of a table derives from.
struct SeriesUse {
  std::atomic<uint32_t> holders{0};
  std::atomic<int64_t> released_at{0};  // the clock's nanoseconds
};

// One holder of an entry. The release order makes the holder's counting visible to whoever sees no holder any more.
class Lease {
 public:
  Lease(std::shared_ptr<SeriesUse> use, const base::Clock& clock) : use_(std::move(use)), clock_(&clock) {
    use_->holders.fetch_add(1, std::memory_order_relaxed);
  }
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&&) = delete;
  ~Lease() {
    if (use_ == nullptr) return;
    use_->released_at.store(clock_->Now().time_since_epoch().count(), std::memory_order_relaxed);
    use_->holders.fetch_sub(1, std::memory_order_acq_rel);
  }

 private:
  std::shared_ptr<SeriesUse> use_;
  const base::Clock* clock_;
};

template <class Entry>
class SeriesTable {
 public:
  using Pointer = std::shared_ptr<Entry>;

  // The entry of this name; made by make() (which may return null: no room) if there is none and fewer than `max`.
  template <class Make>
  Pointer Find(std::string_view name, size_t max, Make&& make) {
    const auto found = entries_.find(name);
    if (found != entries_.end()) return found->second;
    if (entries_.size() >= max) return nullptr;
    Pointer entry = make();
    if (entry != nullptr) entries_.emplace(name, entry);
    return entry;
  }
  // Takes out what nobody has held since `before`.
  std::vector<Pointer> TakeUnused(base::Instant before) {
    std::vector<Pointer> unused;
    for (auto at = entries_.begin(); at != entries_.end();) {
      const SeriesUse& use = *at->second;
      if (use.holders.load(std::memory_order_acquire) == 0 &&
          use.released_at.load(std::memory_order_relaxed) <= before.time_since_epoch().count()) {
        unused.push_back(std::move(at->second));
        at = entries_.erase(at);
      } else {
        ++at;
      }
    }
    return unused;
  }
  // In the order of the names.
  std::vector<Pointer> List() const {
    std::vector<Pointer> list;
    list.reserve(entries_.size());
    for (const auto& [name, entry] : entries_) list.push_back(entry);
    return list;
  }

 private:
  std::map<std::string, Pointer, std::less<>> entries_;
};

}  // namespace headgate::metrics
