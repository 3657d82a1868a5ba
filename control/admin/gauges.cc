#include "control/admin/gauges.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

namespace headgate::control {
namespace {

void SetWeights(metrics::Registry& registry, const routing::Compiled& compiled) {
  std::vector<metrics::RouteWeight> weights;
  std::map<std::string_view, uint64_t> of_route;
  for (const auto& route : compiled.routes) {
    const auto* forward = std::get_if<routing::ForwardAction>(&route->action);
    if (forward == nullptr) continue;
    uint64_t total = 0;
    of_route.clear();
    for (const routing::Backend& backend : forward->backends) {
      of_route[backend.name] += backend.weight;
      total += backend.weight;
    }
    for (const auto& [upstream, weight] : of_route) {
      const double ratio = total == 0 ? 0 : static_cast<double>(weight) / static_cast<double>(total);
      weights.push_back({.route = route->name, .upstream = upstream, .ratio = ratio});
    }
  }
  registry.SetRouteWeights(weights);
}

// Of two certificates for one name the worse counts: the first to expire, and the one that is not usable.
void SetCertificates(metrics::Registry& registry, const proxy::Snapshot& snapshot) {
  std::map<std::string_view, metrics::CertificateInUse> by_name;
  for (const proxy::ListenerRuntime& listener : snapshot.listeners) {
    if (listener.certificates == nullptr) continue;
    const auto& infos = listener.certificates->infos();
    for (size_t i = 0; i < infos.size(); ++i) {
      const int64_t end = infos[i].not_after.time_since_epoch().count();
      for (const std::string& name : infos[i].names) {
        const auto [at, is_new] = by_name.try_emplace(name, metrics::CertificateInUse{name, end});
        at->second.not_after_seconds = std::min(at->second.not_after_seconds, end);
        at->second.usable = at->second.usable && listener.CertificateProblem(i).empty();
      }
    }
  }
  std::vector<metrics::CertificateInUse> certificates;
  for (const auto& [name, certificate] : by_name) certificates.push_back(certificate);
  registry.SetCertificates(certificates);
}

// Upstreams beyond the registry's cap share the cells of `_other`: their sum is what it shows.
class UpstreamSums {
 public:
  explicit UpstreamSums(metrics::Registry& registry) : registry_(registry) {}
  void Add(metrics::GaugeId id, int64_t value) { sums_[id.cell] += value; }
  void Set() {
    for (const auto& [cell, sum] : sums_) registry_.Set({cell}, sum);
  }

 private:
  metrics::Registry& registry_;
  std::unordered_map<uint32_t, int64_t> sums_;
};

void SetLimits(metrics::Registry& registry, const proxy::Snapshot& snapshot) {
  for (const proxy::ListenerRuntime& listener : snapshot.listeners) {
    registry.Set(listener.series->connections_limit, static_cast<int64_t>(listener.policy->limits.max_connections));
  }
  UpstreamSums sums(registry);
  for (const proxy::UpstreamRuntime& upstream : snapshot.upstreams) {
    sums.Add(upstream.series->connections_limit, static_cast<int64_t>(upstream.policy->connections.max));
  }
  sums.Set();
}

struct Counts {
  int64_t healthy = 0;
  int64_t ejected = 0;
};

void AddEndpoints(UpstreamSums& sums, const metrics::UpstreamSeries& series, const Counts& counts) {
  sums.Add(series.endpoints[Index(metrics::EndpointState::kHealthy)], counts.healthy);
  sums.Add(series.endpoints[Index(metrics::EndpointState::kEjected)], counts.ejected);
}

void AddWaiting(UpstreamSums& sums, const proxy::UpstreamRuntime& upstream) {
  const routing::ConnectionsPolicy& limits = upstream.policy->connections;
  const proxy::UpstreamShared& shared = *upstream.shared;
  const bool open =
      limits.max != 0 && shared.connections.taken() >= limits.max && shared.pending.taken() >= limits.max_pending;
  sums.Add(upstream.series->pending, static_cast<int64_t>(shared.pending.taken()));
  sums.Add(upstream.series->circuit_open, open ? 1 : 0);
}

void ClearGone(metrics::Registry& registry, const proxy::Snapshot& now, const proxy::Snapshot& previous) {
  std::unordered_set<uint32_t> kept;
  for (const proxy::UpstreamRuntime& upstream : now.upstreams) kept.insert(upstream.series->connections_limit.cell);
  UpstreamSums sums(registry);
  for (const proxy::UpstreamRuntime& upstream : previous.upstreams) {
    if (kept.contains(upstream.series->connections_limit.cell)) continue;
    AddEndpoints(sums, *upstream.series, {});
    sums.Add(upstream.series->connections_limit, 0);
    sums.Add(upstream.series->pending, 0);
    sums.Add(upstream.series->circuit_open, 0);
  }
  sums.Set();
}

}  // namespace

std::shared_ptr<const proxy::EndpointSet> EndpointsOfUpstream(const proxy::UpstreamRuntime& upstream,
                                                              const EndpointsOf& published) {
  if (upstream.endpoints != nullptr) return upstream.endpoints;
  return published ? published(upstream.policy->name) : nullptr;
}

void SetGenerationGauges(metrics::Registry& registry, const proxy::Snapshot& now, const proxy::Snapshot* previous) {
  registry.SetConfigInfo(now.hash);
  SetWeights(registry, *now.compiled);
  SetCertificates(registry, now);
  SetLimits(registry, now);
  if (previous != nullptr) ClearGone(registry, now, *previous);
}

void RefreshGauges(metrics::Registry& registry, const proxy::Snapshot& snapshot, const EndpointsOf& published,
                   const proxy::WorkerSet& server, base::Instant now) {
  UpstreamSums sums(registry);
  for (const proxy::UpstreamRuntime& upstream : snapshot.upstreams) {
    Counts counts;
    if (const auto endpoints = EndpointsOfUpstream(upstream, published); endpoints != nullptr) {
      for (const proxy::Endpoint& endpoint : endpoints->endpoints) {
        ++(endpoint.shared->IsAside(now) ? counts.ejected : counts.healthy);
      }
    }
    AddEndpoints(sums, *upstream.series, counts);
    AddWaiting(sums, upstream);
  }
  sums.Set();
  registry.Set(registry.Process().snapshots_active, static_cast<int64_t>(server.generations_alive()));
}

}  // namespace headgate::control
