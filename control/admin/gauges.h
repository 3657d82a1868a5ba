// The gauges that nobody counts as it happens: brought up to date before each scrape and after each reload.
// Functions.
// The thread of the metrics listener, or the pipeline's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "control/dns/endpoint_publisher.h"
#include "metrics/registry.h"
#include "proxy/snapshot/snapshot.h"
#include "proxy/worker/worker_set.h"

namespace headgate::control {

/// The endpoints of an upstream that are not in the snapshot (DNS); null when there are none yet. Any thread.
using EndpointsOf = std::function<std::shared_ptr<const proxy::EndpointSet>(const std::string& upstream)>;

/// How it goes with the name of an upstream that has one. Any thread.
using NamesOf = std::function<dns::NameState(const std::string& upstream)>;

/// The fixed ones, or what `published` has. Null: none.
std::shared_ptr<const proxy::EndpointSet> EndpointsOfUpstream(const proxy::UpstreamRuntime& upstream,
                                                              const EndpointsOf& published);

/// Weights, limits, certificates, hash: what a new generation changes. Series of upstreams and listeners that are gone
/// go back to 0.
void SetGenerationGauges(metrics::Registry& registry, const proxy::Snapshot& now, const proxy::Snapshot* previous);

/// Endpoints by state (one that refused and is set aside counts as ejected), generations alive.
void RefreshGauges(metrics::Registry& registry, const proxy::Snapshot& snapshot, const EndpointsOf& published,
                   const proxy::WorkerSet& server, base::Instant now);

}  // namespace headgate::control
