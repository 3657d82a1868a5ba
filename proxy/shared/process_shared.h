// What all workers of the process count together: lock-free, so that every number a user configures is the process's.
// Owned by the WorkerSet; outlives the workers.
// Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "http/loop_mark.h"
#include "proxy/shared/client_places.h"
#include "proxy/shared/rate_limiter.h"

namespace headgate::proxy {

// A configured limit of which 0 means none.
constexpr uint64_t OrNone(uint64_t limit) noexcept { return limit == 0 ? std::numeric_limits<uint64_t>::max() : limit; }

// A count with a limit that may change.
class SharedBudget {
 public:
  bool TryTake(uint64_t limit) noexcept {
    const uint64_t before = taken_.fetch_add(1, std::memory_order_relaxed);
    if (before < limit) return true;
    taken_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  void Take() noexcept { taken_.fetch_add(1, std::memory_order_relaxed); }
  void Give() noexcept { taken_.fetch_sub(1, std::memory_order_relaxed); }
  uint64_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> taken_{0};
};

// How many connections the process's file limit has room for. Every client has a descriptor to an upstream set aside.
struct DescriptorShares {
  uint64_t clients = OrNone(0);
  uint64_t upstreams = OrNone(0);
};
// 64 stay with the control side (metrics, admin, DNS, files), some with each worker (its loop, its listeners).
// `files` 0: there is no limit.
DescriptorShares SharesOf(uint64_t files, uint32_t workers) noexcept;

struct ProcessShared {
  DescriptorShares shares;               // set before the workers start
  SharedBudget connections;              // accepted ones, of all listeners
  SharedBudget upstream_connections;     // open or being opened, to all upstreams
  SharedBudget pending;                  // requests waiting for an upstream connection, of all upstreams
  ClientPlaces client_places;            // of the addresses that have connections
  RateLimiter rate_limiter;              // of all routes
  std::atomic<bool> memory_full{false};  // beyond limits.maxMemory
  std::atomic<bool> draining{false};
  const http::LoopMark loop_mark;
};

}  // namespace headgate::proxy
