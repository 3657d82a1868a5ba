#include "control/admin/gauges.h"

#include <algorithm>
#include <map>
#include <string_view>
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
      const int64_t end = std::chrono::floor<std::chrono::seconds>(infos[i].not_after).time_since_epoch().count();
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

void SetLimits(metrics::Registry& registry, const proxy::Snapshot& snapshot) {
  for (const proxy::ListenerRuntime& listener : snapshot.listeners) {
    registry.Set(listener.series->connections_limit, static_cast<int64_t>(listener.policy->limits.max_connections));
  }
  for (const proxy::UpstreamRuntime& upstream : snapshot.upstreams) {
    registry.Set(upstream.series->connections_limit, static_cast<int64_t>(upstream.policy->connections.max));
  }
}

struct Counts {
  int64_t healthy = 0;
  int64_t ejected = 0;
};

void SetEndpoints(metrics::Registry& registry, const metrics::UpstreamSeries& series, const Counts& counts) {
  registry.Set(series.endpoints[Index(metrics::EndpointState::kHealthy)], counts.healthy);
  registry.Set(series.endpoints[Index(metrics::EndpointState::kEjected)], counts.ejected);
}

void ClearGone(metrics::Registry& registry, const proxy::Snapshot& now, const proxy::Snapshot& previous) {
  std::vector<const metrics::UpstreamSeries*> kept;
  for (const proxy::UpstreamRuntime& upstream : now.upstreams) kept.push_back(upstream.series.get());
  std::sort(kept.begin(), kept.end());
  for (const proxy::UpstreamRuntime& upstream : previous.upstreams) {
    if (std::binary_search(kept.begin(), kept.end(), upstream.series.get())) continue;
    SetEndpoints(registry, *upstream.series, {});
    registry.Set(upstream.series->connections_limit, 0);
  }
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
                   const proxy::Server& server, base::Instant now) {
  for (const proxy::UpstreamRuntime& upstream : snapshot.upstreams) {
    Counts counts;
    if (const auto endpoints = EndpointsOfUpstream(upstream, published); endpoints != nullptr) {
      for (const proxy::Endpoint& endpoint : endpoints->endpoints) {
        ++(endpoint.shared->IsAside(now) ? counts.ejected : counts.healthy);
      }
    }
    SetEndpoints(registry, *upstream.series, counts);
  }
  registry.Set(registry.Process().snapshots_active, static_cast<int64_t>(server.generations_alive()));
}

}  // namespace headgate::control
