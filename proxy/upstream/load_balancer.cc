#include "proxy/upstream/load_balancer.h"

#include <algorithm>
#include <unordered_map>

namespace headgate::proxy {

void LoadBalancer::SetEndpoints(std::shared_ptr<const EndpointSet> endpoints) {
  std::unordered_map<const EndpointShared*, int64_t> before;
  for (size_t i = 0; i < size(); ++i) before.emplace(endpoints_->endpoints[i].shared.get(), current_[i]);
  endpoints_ = std::move(endpoints);
  current_.assign(size(), 0);
  uniform_ = true;
  for (size_t i = 0; i < size(); ++i) {
    const auto old = before.find(endpoints_->endpoints[i].shared.get());
    if (old != before.end()) current_[i] = old->second;
    uniform_ = uniform_ && Weight(i) == Weight(0);
  }
  // Workers begin at different ones, else they would march in step.
  turn_ = size() > 0 ? rng_.Below(size()) : 0;
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

size_t LoadBalancer::Pick(base::Instant now, const EndpointShared* avoid) noexcept {
  if (size() == 1) return 0;
  const Rule rule = RuleFor(now, avoid);
  switch (policy_) {
    case routing::LoadBalancingPolicy::kRoundRobin:
      return PickRoundRobin(rule);
    case routing::LoadBalancingPolicy::kLeastRequest:
      return PickLeastRequest(rule);
    case routing::LoadBalancingPolicy::kRandom:
      return PickRandom(rule);
  }
  return 0;
}

size_t LoadBalancer::PickRoundRobin(const Rule& rule) noexcept {
  const size_t count = size();
  if (uniform_) {
    for (size_t step = 0; step < count; ++step) {
      const size_t index = turn_;
      turn_ = turn_ + 1 < count ? turn_ + 1 : 0;
      if (Fits(index, rule)) return index;
    }
    return turn_;
  }
  size_t best = count;
  int64_t total = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!Fits(i, rule)) continue;
    const auto weight = static_cast<int64_t>(Weight(i));
    total += weight;
    current_[i] += weight;
    if (best == count || current_[i] > current_[best]) best = i;
  }
  if (best == count) return 0;
  current_[best] -= total;
  return best;
}

size_t LoadBalancer::Draw(const Rule& rule, size_t but) noexcept {
  constexpr int kTries = 4;  // then the ones that fit are counted
  const size_t count = size();
  for (int i = 0; i < kTries; ++i) {
    const size_t index = rng_.Below(count);
    if (index != but && Fits(index, rule)) return index;
  }
  size_t fitting = 0;
  for (size_t i = 0; i < count; ++i) fitting += i != but && Fits(i, rule) ? 1 : 0;
  if (fitting == 0) return count;
  size_t left = rng_.Below(fitting);
  for (size_t i = 0; i < count; ++i) {
    if (i == but || !Fits(i, rule)) continue;
    if (left-- == 0) return i;
  }
  return count;
}

size_t LoadBalancer::DrawByWeight(const Rule& rule, size_t but) noexcept {
  if (uniform_) return Draw(rule, but);
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

size_t LoadBalancer::PickLeastRequest(const Rule& rule) noexcept {
  const size_t first = DrawByWeight(rule, size());
  if (first == size()) return 0;
  const size_t second = DrawByWeight(rule, first);
  if (second == size()) return first;
  const auto active = [this](size_t index) -> uint64_t {
    return endpoints_->endpoints[index].shared->active.load(std::memory_order_relaxed);
  };
  // The first keeps it, so that shares go by weight, unless the second, with half of this request, has less to do for
  // its weight than the first without it. Half: none would favour the light where little is under way, all of it the
  // heavy.
  return (2 * active(second) + 1) * Weight(first) < 2 * active(first) * Weight(second) ? second : first;
}

size_t LoadBalancer::PickRandom(const Rule& rule) noexcept { return std::min(DrawByWeight(rule, size()), size() - 1); }

}  // namespace headgate::proxy
