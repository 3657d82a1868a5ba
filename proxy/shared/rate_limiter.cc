#include "proxy/shared/rate_limiter.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "base/crypto/random.h"
#include "base/hash.h"

namespace headgate::proxy {
namespace {

constexpr int64_t kTicksPerNs = 16;
constexpr int64_t kToleranceMax = int64_t{1} << 61;
// How often a decision is taken anew because other threads changed the key's place. Then the request passes: it met
// that many others that were counted.
constexpr int kTriesMax = 64;

__extension__ using Wide = unsigned __int128;

base::Duration FromTicks(int64_t ticks) noexcept {
  return base::Duration(std::max<int64_t>(ticks + kTicksPerNs - 1, 0) / kTicksPerNs);
}

}  // namespace

RateLimit::RateLimit(uint64_t requests, base::Duration per, uint32_t burst) noexcept
    : interval_(
          std::max<int64_t>(per.count() * kTicksPerNs / static_cast<int64_t>(std::max<uint64_t>(requests, 1)), 1)),
      tolerance_(std::min(interval_, kToleranceMax / std::max<uint32_t>(burst, 1)) * std::max<uint32_t>(burst, 1)),
      burst_(std::max<uint32_t>(burst, 1)) {}

RateLimiter::RateLimiter(size_t buckets)
    : buckets_count_(std::max<size_t>(buckets, 1)), memory_(std::calloc(buckets_count_ + 1, sizeof(Bucket))) {
  // Zero bytes are an atomic zero. calloc leaves pages that nobody wrote to the kernel.
  if (memory_ == nullptr) throw std::bad_alloc();
  void* start = memory_.get();
  size_t space = (buckets_count_ + 1) * sizeof(Bucket);
  buckets_ = static_cast<Bucket*>(std::align(alignof(Bucket), bytes(), start, space));
  base::RandomBytes({reinterpret_cast<uint8_t*>(&seed_), sizeof seed_});
}

void RateLimiter::Free::operator()(void* memory) const noexcept { std::free(memory); }

uint64_t RateLimiter::KeyOf(std::string_view text, uint64_t limit_name_hash) const noexcept {
  return base::StableHash64(text, seed_ ^ limit_name_hash);
}

RateLimiter::Bucket& RateLimiter::BucketOf(uint64_t key) const noexcept {
  return buckets_[static_cast<size_t>((static_cast<Wide>(key) * buckets_count_) >> 64U)];
}

RateLimiter::Place RateLimiter::Find(Bucket& bucket, uint64_t key) noexcept {
  for (size_t way = 0; way < kWays; ++way) {
    if (bucket.keys[way].load(std::memory_order_acquire) == key) return {way, 0};
  }
  return {};
}

// Takes the place of the one whose allowance is the nearest to full: a free one, one that was not used for long, or
// the least used.
RateLimiter::Place RateLimiter::Claim(Bucket& bucket, uint64_t key) noexcept {
  size_t least = 0;
  int64_t least_full_at = bucket.full_at[0].load(std::memory_order_relaxed);
  for (size_t way = 1; way < kWays; ++way) {
    const int64_t full_at = bucket.full_at[way].load(std::memory_order_relaxed);
    if (full_at >= least_full_at) continue;
    least = way;
    least_full_at = full_at;
  }
  uint64_t former = bucket.keys[least].load(std::memory_order_relaxed);
  if (former == key) return {least, 0};
  if (!bucket.keys[least].compare_exchange_strong(former, key, std::memory_order_acq_rel)) return {};
  return {least, least_full_at};
}

RateDecision RateLimiter::Take(uint64_t key, const RateLimit& limit, base::Instant now) noexcept {
  if (key == 0) key = 1;
  const int64_t now_ticks = now.time_since_epoch().count() * kTicksPerNs;
  Bucket& bucket = BucketOf(key);
  int64_t ahead = 0;  // what is taken of the allowance, this request included
  bool allowed = true;
  for (int i = 0; i < kTriesMax; ++i) {
    Place place = Find(bucket, key);
    if (place.way == kWays) place = Claim(bucket, key);
    if (place.way == kWays) continue;
    std::atomic<int64_t>& slot = bucket.full_at[place.way];
    int64_t full_at = slot.load(std::memory_order_relaxed);
    const bool foreign = place.not_its_own != 0 && full_at == place.not_its_own;
    const int64_t next = (foreign ? now_ticks : std::max(full_at, now_ticks)) + limit.interval();
    ahead = next - now_ticks;
    allowed = ahead <= limit.tolerance();
    if (!allowed) break;
    if (!slot.compare_exchange_strong(full_at, next, std::memory_order_relaxed)) continue;
    // Had the key to go in between, its successor knows no better than to be a request short.
    break;
  }
  RateDecision decision{.allowed = allowed};
  const int64_t taken = allowed ? ahead : ahead - limit.interval();
  decision.reset = FromTicks(taken);
  if (allowed) decision.remaining = static_cast<uint32_t>((limit.tolerance() - taken) / limit.interval());
  if (!allowed) decision.retry_after = FromTicks(ahead - limit.tolerance());
  return decision;
}

}  // namespace headgate::proxy
