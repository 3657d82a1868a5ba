// Counts requests per key against a rate for the whole process: GCRA (a leaky bucket that keeps one instant a key).
// Owned by whoever shares it among workers.
// Any thread: atomics only. The memory is fixed, and touched as keys come; where keys crowd, the least used one is
// forgotten.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/clock.h"

namespace headgate::proxy {

// `requests` in every `per`, and as many as `burst` at once. What is derived is ready for use.
class RateLimit {
 public:
  // requests, burst: at least 1. `per` up to a year. A burst that would take longer than four years to come back counts
  // as one of four years.
  RateLimit(uint64_t requests, base::Duration per, uint32_t burst) noexcept;
  // Ticks (1/16 ns, so that rounding never shifts a rate by more than 1 % up to 10^8 requests a second) of one request.
  int64_t interval() const noexcept { return interval_; }
  // Ticks by which the instant kept for a key may be ahead of now.
  int64_t tolerance() const noexcept { return tolerance_; }
  uint32_t burst() const noexcept { return burst_; }

 private:
  int64_t interval_;
  int64_t tolerance_;
  uint32_t burst_;
};

struct RateDecision {
  bool allowed = false;
  uint32_t remaining = 0;         // requests that would be allowed right now
  base::Duration reset{0};        // until the whole burst is there again
  base::Duration retry_after{0};  // of a refused one: until a request would be allowed
};

class RateLimiter {
 public:
  // Room for 2^17 keys in 7 MiB: 100,000 keys live side by side with hardly one crowded out.
  static constexpr size_t kBuckets = 57'344;

  explicit RateLimiter(size_t buckets = kBuckets);

  // Of what is counted (an address, a header's value), for the limit whose name has that hash. Nobody outside can
  // choose texts that collide.
  uint64_t KeyOf(std::string_view text, uint64_t limit_name_hash) const noexcept;
  // Takes one request of `key` (KeyOf, or another good 64-bit hash). A refused request
  // costs nothing. `now` need not be the same on all threads; it never goes back by much.
  RateDecision Take(uint64_t key, const RateLimit& limit, base::Instant now) noexcept;

  size_t bytes() const noexcept { return buckets_count_ * sizeof(Bucket); }

 private:
  static constexpr size_t kWays = 8;
  // Two cache lines: all keys are looked through in the first, one instant is touched in the second.
  struct alignas(64) Bucket {
    std::array<std::atomic<uint64_t>, kWays> keys{};  // 0: free
    // When all that was taken will have leaked away, in ticks; long past is as good as free.
    std::array<std::atomic<int64_t>, kWays> full_at{};
  };
  struct Place {
    size_t way = kWays;
    int64_t not_its_own = 0;  // what the slot held of the key that had to go; 0: nothing
  };

  struct Free {
    void operator()(void* memory) const noexcept;
  };

  Bucket& BucketOf(uint64_t key) const noexcept;
  static Place Find(Bucket& bucket, uint64_t key) noexcept;
  static Place Claim(Bucket& bucket, uint64_t key) noexcept;

  uint64_t seed_;
  size_t buckets_count_;
  std::unique_ptr<void, Free> memory_;
  Bucket* buckets_;  // in there, at the beginning of a cache line
};

}  // namespace headgate::proxy
