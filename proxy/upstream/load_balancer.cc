#include "proxy/upstream/load_balancer.h"

#include <algorithm>

namespace headgate::proxy {
namespace {

// How many turns of endpoints that do not fit are passed by, and places of a hash table, before all are looked at.
constexpr size_t kTurnsMax = 2048;
constexpr size_t kPlacesMax = 128;

}  // namespace

void LoadBalancer::SetEndpoints(std::shared_ptr<const EndpointSet> endpoints) {
  const bool same =
      endpoints_ != nullptr && endpoints_->schedule != nullptr && endpoints_->schedule == endpoints->schedule;
  endpoints_ = std::move(endpoints);
  // Workers begin at different ones, else they would march in step.
  if (!same) turn_ = size() > 0 ? rng_.Below(turns()) : 0;
}

uint64_t LoadBalancer::Weight(size_t index) const noexcept {
  return std::max<uint64_t>(endpoints_->endpoints[index].weight, 1);
}

bool LoadBalancer::Fits(size_t index, const Rule& rule) const noexcept {
  const EndpointShared* endpoint = endpoints_->endpoints[index].shared.get();
  return endpoint != rule.skip && !(rule.skip_aside && endpoint->IsAside(rule.now));
}

LoadBalancer::Rule LoadBalancer::RuleFor(base::Instant now, const EndpointShared* avoid) const noexcept {
  bool other = false;            // somebody else
  bool other_available = false;  // somebody else who is not set aside
  bool any_available = false;
  for (const Endpoint& endpoint : endpoints_->endpoints) {
    const bool is_other = endpoint.shared.get() != avoid;
    const bool available = !endpoint.shared->IsAside(now);
    other |= is_other;
    any_available |= available;
    other_available |= is_other && available;
    if (other_available) break;
  }
  Rule rule{now, any_available, nullptr};
  if (any_available ? other_available : other) rule.skip = avoid;
  return rule;
}

size_t LoadBalancer::Pick(base::Instant now, const EndpointShared* avoid, uint64_t hash) noexcept {
  if (size() == 1) return 0;
  const Rule rule = RuleFor(now, avoid);
  switch (policy_) {
    case routing::LoadBalancingPolicy::kRoundRobin:
      return PickRoundRobin(rule);
    case routing::LoadBalancingPolicy::kLeastRequest:
      return PickLeastRequest(rule);
    case routing::LoadBalancingPolicy::kRandom:
      return PickRandom(rule);
    case routing::LoadBalancingPolicy::kRingHash:
    case routing::LoadBalancingPolicy::kMaglev:
      return hash != 0 ? PickByHash(rule, hash) : PickRandom(rule);
  }
  return 0;
}

// Turns of those that do not fit are over, so that the others keep their shares.
size_t LoadBalancer::PickRoundRobin(const Rule& rule) noexcept {
  const size_t count = turns();
  const size_t most = std::min(count, kTurnsMax);
  for (size_t step = 0; step < most; ++step) {
    const size_t index = EndpointOf(turn_);
    turn_ = turn_ + 1 < count ? turn_ + 1 : 0;
    if (Fits(index, rule)) return index;
  }
  return PickRandom(rule);
}

size_t LoadBalancer::Draw(const Rule& rule, size_t but) noexcept {
  constexpr int kTries = 4;  // then the ones that fit are counted
  for (int i = 0; i < kTries; ++i) {
    const size_t index = EndpointOf(rng_.Below(turns()));
    if (index != but && Fits(index, rule)) return index;
  }
  uint64_t total = 0;
  for (size_t i = 0; i < size(); ++i) total += i != but && Fits(i, rule) ? Weight(i) : 0;
  if (total == 0) return size();
  uint64_t point = rng_.Below(total);
  for (size_t i = 0; i < size(); ++i) {
    if (i == but || !Fits(i, rule)) continue;
    if (point < Weight(i)) return i;
    point -= Weight(i);
  }
  return size();
}

size_t LoadBalancer::PickByHash(const Rule& rule, uint64_t hash) const noexcept {
  if (const HashTable* table = endpoints_->hash_table.get()) {
    size_t place = table->PlaceOf(hash);
    for (size_t step = 0; step < kPlacesMax; ++step, place = table->Next(place)) {
      const size_t index = table->EndpointAt(place);
      if (Fits(index, rule)) return index;
    }
  }
  // Hardly any fits, or the set is of the moment before the policy came.
  const size_t first = hash % size();
  for (size_t step = 0; step < size(); ++step) {
    const size_t index = first + step < size() ? first + step : first + step - size();
    if (Fits(index, rule)) return index;
  }
  return first;
}

size_t LoadBalancer::PickLeastRequest(const Rule& rule) noexcept {
  const size_t first = Draw(rule, size());
  if (first == size()) return 0;
  const size_t second = Draw(rule, first);
  if (second == size()) return first;
  const auto active = [this](size_t index) -> uint64_t {
    return endpoints_->endpoints[index].shared->active.load(std::memory_order_relaxed);
  };
  // The first keeps it, so that shares go by weight, unless the second, with half of this request, has less to do for
  // its weight than the first without it. Half: none would favour the light where little is under way, all of it the
  // heavy.
  return (2 * active(second) + 1) * Weight(first) < 2 * active(first) * Weight(second) ? second : first;
}

size_t LoadBalancer::PickRandom(const Rule& rule) noexcept { return std::min(Draw(rule, size()), size() - 1); }

}  // namespace headgate::proxy
