// What a decision of the rate limiter costs: one key, many keys, keys that are always new; and among threads.
#include <benchmark/benchmark.h>

#include "base/clock.h"
#include "proxy/shared/rate_limiter.h"

namespace {

namespace base = headgate::base;
using headgate::proxy::RateLimit;
using headgate::proxy::RateLimiter;

RateLimiter& Shared() {
  static RateLimiter limiter;
  return limiter;
}

// The argument: how many keys; 0: each is new.
void BM_Take(benchmark::State& state) {
  RateLimiter& limiter = Shared();
  const RateLimit limit(1000, std::chrono::seconds(1), 50);
  const auto keys = static_cast<uint64_t>(state.range(0));
  base::Instant now{std::chrono::hours(1)};
  uint64_t random = 1;
  for (auto _ : state) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    const uint64_t number = keys == 0 ? random : (random >> 32U) % keys;
    const std::string_view text(reinterpret_cast<const char*>(&number), sizeof number);
    now += std::chrono::nanoseconds(100);
    benchmark::DoNotOptimize(limiter.Take(limiter.KeyOf(text, 1), limit, now));
  }
}
BENCHMARK(BM_Take)->Arg(1)->Arg(1000)->Arg(100'000)->Arg(0);
BENCHMARK(BM_Take)->Arg(1)->Arg(100'000)->Threads(2);

}  // namespace
