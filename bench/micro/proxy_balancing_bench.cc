// What choosing an endpoint costs among 1,000, how even the choice is, and what making the tables costs.
// "imbalance": how much the busiest of ten endpoints got beyond its share of 10,000 requests, in percent. "moved": how
// many of 10,000 keys go elsewhere when one of ten endpoints leaves, in percent, the worst case.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "proxy/shared/rate_limiter.h"
#include "proxy/upstream/load_balancer.h"

namespace headgate::proxy {
namespace {

using routing::LoadBalancingPolicy;

constexpr int kRequests = 10'000;

std::vector<std::pair<base::SocketAddress, uint32_t>> Addresses(uint32_t count, bool weighted, uint32_t without = ~0U) {
  std::vector<std::pair<base::SocketAddress, uint32_t>> addresses;
  for (uint32_t i = 0; i < count; ++i) {
    if (i == without) continue;
    addresses.emplace_back(base::SocketAddress{base::IpAddress::V4(0x0a010000 + i), 8080}, weighted ? 1 + i % 10 : 1);
  }
  return addresses;
}

struct Balanced {
  Balanced(LoadBalancingPolicy policy, uint32_t count, bool weighted, uint32_t without = ~0U)
      : set(MakeEndpointSet(Addresses(count, weighted, without), nullptr, policy)) {
    balancer.SetPolicy(policy);
    balancer.SetEndpoints(set);
  }
  const EndpointShared& Pick(uint64_t hash) {
    return *set->endpoints[balancer.Pick(clock.Now(), nullptr, hash)].shared;
  }

  base::FakeClock clock;
  base::Rng rng{1};
  LoadBalancer balancer{rng};
  std::shared_ptr<const EndpointSet> set;
};

double Imbalance(LoadBalancingPolicy policy) {
  Balanced balanced(policy, 10, false);
  base::Rng keys(2);
  std::vector<int> counts(10, 0);
  for (int i = 0; i < kRequests; ++i) ++counts[balanced.balancer.Pick(balanced.clock.Now(), nullptr, keys.Next())];
  return (*std::max_element(counts.begin(), counts.end()) * 10.0 / kRequests - 1) * 100;
}

double Moved(LoadBalancingPolicy policy) {
  Balanced before(policy, 10, false);
  double worst = 0;
  for (uint32_t gone = 0; gone < 10; ++gone) {
    Balanced after(policy, 10, false, gone);
    base::Rng keys(2);
    int moved = 0;
    for (int i = 0; i < kRequests; ++i) {
      const uint64_t hash = keys.Next();
      moved += before.Pick(hash).address != after.Pick(hash).address ? 1 : 0;
    }
    worst = std::max(worst, moved * 100.0 / kRequests);
  }
  return worst;
}

void BM_Pick(benchmark::State& state) {
  const auto policy = static_cast<LoadBalancingPolicy>(state.range(0));
  Balanced balanced(policy, 1000, state.range(1) != 0);
  base::Rng keys(3);
  const base::Instant now = balanced.clock.Now();
  for (auto _ : state) benchmark::DoNotOptimize(balanced.balancer.Pick(now, nullptr, keys.Next()));
  const bool hashes = policy == LoadBalancingPolicy::kRingHash || policy == LoadBalancingPolicy::kMaglev;
  state.counters["imbalance"] = Imbalance(policy);
  if (hashes) state.counters["moved"] = Moved(policy);
}
BENCHMARK(BM_Pick)->ArgNames({"policy", "weighted"})->ArgsProduct({{0, 1, 2, 3, 4}, {0, 1}});

void BM_MakeSet(benchmark::State& state) {
  const auto addresses = Addresses(1000, true);
  const auto policy = static_cast<LoadBalancingPolicy>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(MakeEndpointSet(addresses, nullptr, policy));
}
BENCHMARK(BM_MakeSet)->ArgName("policy")->Arg(0)->Arg(3)->Arg(4)->Unit(benchmark::kMillisecond);

void BM_RateLimit(benchmark::State& state) {
  static RateLimiter limiter;
  const RateLimit limit(1'000, std::chrono::seconds(1), 100);
  base::SystemClock clock;
  base::Rng keys(static_cast<uint64_t>(state.thread_index()));
  const auto count = static_cast<uint64_t>(state.range(0));
  const base::Instant now = clock.Now();
  for (auto _ : state) {
    benchmark::DoNotOptimize(limiter.Take((1 + keys.Below(count)) * 0x9e3779b97f4a7c15ULL, limit, now));
  }
}
BENCHMARK(BM_RateLimit)->ArgName("keys")->Arg(1)->Arg(1'000)->Arg(100'000)->Arg(10'000'000)->Threads(1)->Threads(2);

}  // namespace
}  // namespace headgate::proxy
