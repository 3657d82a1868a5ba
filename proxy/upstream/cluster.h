// An upstream as one worker sees it: its endpoints, a load balancer, idle connections and who waits for one.
// Owned by the worker's ClusterSet; survives reloads by name.
// One thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/error.h"
#include "metrics/series.h"
#include "proxy/context/worker_context.h"
#include "proxy/net/tls_context.h"
#include "proxy/shared/upstream_shared.h"
#include "proxy/upstream/attempt.h"
#include "routing/policy/upstream.h"

namespace headgate::proxy {

class Cluster {
 public:
  Cluster(WorkerContext& worker, std::shared_ptr<UpstreamShared> shared);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // The configuration in force. Idle connections are closed when TLS or protocol changed; leased ones finish.
  void Configure(std::shared_ptr<const routing::UpstreamPolicy> policy, std::shared_ptr<net::TlsClientContext> tls,
                 std::shared_ptr<const metrics::UpstreamSeries> series);
  // Idle connections to endpoints that are gone are closed; leased ones finish.
  void SetEndpoints(std::shared_ptr<const EndpointSet> endpoints);
  // A cluster of the same configuration whose only endpoint is this one, for what must be asked there: its connections
  // are its own. They count within the upstream's limits.
  std::unique_ptr<Cluster> Alone(std::shared_ptr<EndpointShared> endpoint) const;
  // Whether anyone could be asked at all (a set-aside endpoint counts: the last one is never set aside).
  bool has_endpoint() const noexcept;

  // Asks for a connection. A stream: use it now. null: the attempt waits, OnConnected or OnAttemptFailed follows.
  // Errors: kNoEndpoint, kOverload (maxPending), side kProxy.
  base::Result<UpstreamStream*> Begin(Attempt& attempt);
  // Takes a waiting attempt out of the queue; no event follows.
  void Abandon(Attempt& attempt) noexcept;

  // The upstream left the configuration: idle connections go now, leased ones as they finish.
  void Retire();
  bool busy() const noexcept;  // something is leased, connecting or waiting
  // Closes idle connections (drain of the process).
  void CloseIdle();

  const std::string& name() const noexcept;
  UpstreamShared& shared() noexcept;
  const metrics::UpstreamSeries& series() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::proxy
