#include "proxy/shared/upstream_shared.h"

#include <algorithm>
#include <map>

namespace headgate::proxy {
namespace {

constexpr base::Duration kAsideMin = std::chrono::seconds(1);
constexpr base::Duration kAsideMax = std::chrono::seconds(10);
constexpr uint32_t kDoublingsMax = 4;  // 1 s doubled four times is beyond kAsideMax

bool SameWeights(const EndpointSet& a, const EndpointSet& b) noexcept {
  const auto same = [](const Endpoint& x, const Endpoint& y) { return x.shared == y.shared && x.weight == y.weight; };
  return std::equal(a.endpoints.begin(), a.endpoints.end(), b.endpoints.begin(), b.endpoints.end(), same);
}

// Workers keep their place in a schedule that stays.
void MakeTables(EndpointSet& set, const EndpointSet* previous, routing::LoadBalancingPolicy policy) {
  std::vector<TableEntry> entries;
  for (const Endpoint& endpoint : set.endpoints) entries.push_back({endpoint.shared->text, endpoint.weight});
  const bool same = previous != nullptr && SameWeights(set, *previous);
  set.schedule = same ? previous->schedule : MakeSchedule(entries);
  if (Hashes(policy) && !entries.empty()) set.hash_table = std::make_shared<const HashTable>(policy, entries);
}

}  // namespace

void EndpointShared::SetAside(base::Instant now) noexcept {
  // Many connects that were under way fail together: that is one refusal, and the first of them counts it.
  int64_t until = aside_until.load(std::memory_order_relaxed);
  if (until > now.time_since_epoch().count()) return;
  const uint32_t doublings = std::min(refusals.load(std::memory_order_relaxed), kDoublingsMax);
  const base::Duration aside = std::min(kAsideMin * (1U << doublings), kAsideMax);
  const int64_t next = (now + aside).time_since_epoch().count();
  if (!aside_until.compare_exchange_strong(until, next, std::memory_order_relaxed)) return;
  refusals.fetch_add(1, std::memory_order_relaxed);
}

std::shared_ptr<const EndpointSet> MakeEndpointSet(
    const std::vector<std::pair<base::SocketAddress, uint32_t>>& addresses, const EndpointSet* previous,
    routing::LoadBalancingPolicy policy) {
  std::map<base::SocketAddress, std::shared_ptr<EndpointShared>> known;
  if (previous != nullptr) {
    for (const Endpoint& endpoint : previous->endpoints) known.emplace(endpoint.shared->address, endpoint.shared);
  }
  auto set = std::make_shared<EndpointSet>();
  set->version = previous != nullptr ? previous->version + 1 : 1;
  std::map<base::SocketAddress, size_t> taken;
  for (const auto& [address, weight] : addresses) {
    const auto [at, is_new] = taken.emplace(address, set->endpoints.size());
    if (!is_new) {
      set->endpoints[at->second].weight += weight;
      continue;
    }
    const auto old = known.find(address);
    set->endpoints.push_back({old != known.end() ? old->second : std::make_shared<EndpointShared>(address), weight});
  }
  MakeTables(*set, previous, policy);
  return set;
}

}  // namespace headgate::proxy
