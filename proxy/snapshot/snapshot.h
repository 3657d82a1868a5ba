// Everything the configuration decides, ready for the request path: one const object per generation.
// Owned by shared_ptr: the control thread and each worker's pin. Retired on the control thread.
// Built on the control thread, const afterwards: any thread (TLS contexts: the worker they were built for).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file_stamp.h"
#include "metrics/series.h"
#include "proxy/filters/chain.h"
#include "proxy/net/tls_context.h"
#include "proxy/shared/upstream_shared.h"
#include "routing/compiled.h"
#include "routing/split.h"

namespace headgate::proxy {

struct ListenerRuntime {
  std::shared_ptr<const routing::ListenerPolicy> policy;
  std::shared_ptr<const metrics::ListenerSeries> series;
  std::shared_ptr<SharedBudget> connections;  // of the listener in the whole process; survives reloads by address
  std::shared_ptr<const net::CertificateSet> certificates;  // null: plain
  std::vector<std::shared_ptr<net::TlsServerContext>> tls;  // one per worker; empty: plain
  // By a certificate's index: why its files cannot be used now, empty where they can. All of them are the ones that
  // were in service before then. Empty: no problem.
  std::vector<std::string> certificate_problems;

  std::string CertificateProblem(size_t index) const {
    return index < certificate_problems.size() ? certificate_problems[index] : std::string();
  }
};

struct UpstreamRuntime {
  std::string tls_files;                    // digest of what the files of its TLS policy held when `tls` was built
  std::vector<base::FileStamp> tls_stamps;  // of those files, before they were read
  std::shared_ptr<const routing::UpstreamPolicy> policy;
  std::shared_ptr<UpstreamShared> shared;
  std::shared_ptr<const metrics::UpstreamSeries> series;
  std::shared_ptr<const EndpointSet> endpoints;             // fixed ones; null: published apart (DNS)
  std::vector<std::shared_ptr<net::TlsClientContext>> tls;  // one per worker; empty: plain

  // Nothing that a worker has to know differs.
  bool SameAs(const UpstreamRuntime& other) const noexcept {
    return policy == other.policy && shared == other.shared && series == other.series && endpoints == other.endpoints &&
           tls == other.tls;
  }
};

struct RouteRuntime {
  std::shared_ptr<const metrics::RouteSeries> series;
  std::shared_ptr<const FilterChain> filters;  // null: none
};

// A route's progress along its split, for each worker its own. An unchanged route's goes from snapshot to snapshot.
struct RouteSplit {
  struct alignas(64) OfWorker {
    routing::SplitState state;
  };
  std::vector<OfWorker> workers;
};

// What differs from the snapshot before, so that a worker touches nothing else.
struct SnapshotChanges {
  static constexpr uint32_t kNew = ~uint32_t{0};
  struct Split {
    uint32_t route = 0;
    std::shared_ptr<RouteSplit> before;  // whose progress goes on
  };

  uint64_t since = 0;                      // the generation before; 0: there is none, everything is new
  std::vector<Split> splits;               // of routes that were there before
  std::vector<uint32_t> former_upstreams;  // as upstreams: the index then, or kNew
  std::vector<uint32_t> upstreams;         // new and changed ones
  std::vector<uint32_t> gone_upstreams;    // by the index then
};

struct Snapshot {
  uint64_t generation = 0;
  std::string hash;  // of the source's text
  std::shared_ptr<const routing::Compiled> compiled;
  std::vector<ListenerRuntime> listeners;                // as compiled->listeners
  std::vector<UpstreamRuntime> upstreams;                // as compiled->upstreams
  std::vector<RouteRuntime> routes;                      // as compiled->routes
  std::shared_ptr<const metrics::RouteSeries> no_route;  // route="_none"
  std::vector<std::shared_ptr<RouteSplit>> splits;       // as compiled->routes; null where nothing is split
  SnapshotChanges changes;
};

}  // namespace headgate::proxy
