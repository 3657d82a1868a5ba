// Chooses who of an upstream's endpoints gets a request: smooth weighted round robin, least requests of two, dice, or
// the request's hash. Owned by a cluster's pool; sees the endpoints' process-wide state, keeps its own turn. One
// thread: the worker's. No clock, no sockets; nothing is allocated by Pick.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/rng.h"
#include "proxy/shared/upstream_shared.h"
#include "routing/policy/upstream.h"

namespace headgate::proxy {

class LoadBalancer {
 public:
  explicit LoadBalancer(base::Rng& rng) noexcept : rng_(rng) {}

  void SetPolicy(routing::LoadBalancingPolicy policy) noexcept { policy_ = policy; }
  // A round robin goes on where it was if endpoints and weights are the same. A weight of 0 counts as 1.
  void SetEndpoints(std::shared_ptr<const EndpointSet> endpoints);
  const EndpointSet* endpoints() const noexcept { return endpoints_.get(); }
  size_t size() const noexcept { return endpoints_ != nullptr ? endpoints_->endpoints.size() : 0; }

  // Index of an endpoint; size() must not be 0. One that is set aside is skipped unless all are; `avoid` (may be null)
  // is skipped unless nobody else is left then. Policies that hash map equal `hash`es to one endpoint, or the next that
  // may be chosen; 0: anyone.
  size_t Pick(base::Instant now, const EndpointShared* avoid, uint64_t hash) noexcept;

 private:
  // Who may be chosen this time.
  struct Rule {
    base::Instant now;
    bool skip_aside = true;
    const EndpointShared* skip = nullptr;
  };
  Rule RuleFor(base::Instant now, const EndpointShared* avoid) const noexcept;
  bool Fits(size_t index, const Rule& rule) const noexcept;
  uint64_t Weight(size_t index) const noexcept;
  size_t PickRoundRobin(const Rule& rule) noexcept;
  size_t PickLeastRequest(const Rule& rule) noexcept;
  size_t PickRandom(const Rule& rule) noexcept;
  size_t PickByHash(const Rule& rule, uint64_t hash) const noexcept;
  // Of a round: as many as the weights add up to.
  size_t turns() const noexcept { return endpoints_->schedule != nullptr ? endpoints_->schedule->size() : size(); }
  size_t EndpointOf(size_t turn) const noexcept {
    return endpoints_->schedule != nullptr ? (*endpoints_->schedule)[turn] : turn;
  }
  // A random one, as often as its weight says, that fits and is not `but`; size() when there is none.
  size_t Draw(const Rule& rule, size_t but) noexcept;

  base::Rng& rng_;
  routing::LoadBalancingPolicy policy_ = routing::LoadBalancingPolicy::kRoundRobin;
  std::shared_ptr<const EndpointSet> endpoints_;
  size_t turn_ = 0;
};

}  // namespace headgate::proxy
