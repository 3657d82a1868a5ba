// Compiled configuration -> Snapshot: certificates are read, TLS contexts built for each worker, metric ids fixed. What
// did not change is the previous snapshot's. Owned by control's pipeline; keeps what survives reloads by name (upstream
// state, endpoint state). Control thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "metrics/registry.h"
#include "proxy/snapshot/snapshot.h"

namespace headgate::proxy {

class SnapshotBuilder {
 public:
  SnapshotBuilder(metrics::Registry& registry, const net::TicketKeys& tickets, uint32_t workers,
                  const base::Clock& clock);
  ~SnapshotBuilder();

  // The error names the file. `previous` (may be null) lends unchanged TLS contexts and certificates; a certificate
  // that fails while `previous` has one for the same listener and files keeps the old one in service and is reported
  // in `warnings` (config.md, "When something is wrong").
  absl::StatusOr<std::shared_ptr<const Snapshot>> Build(std::shared_ptr<const routing::Compiled> compiled,
                                                        std::string hash, const Snapshot* previous,
                                                        std::vector<std::string>& warnings);
  // Process-wide state of an upstream by name; lives as long as someone holds it. For DNS and /upstreams.
  std::shared_ptr<UpstreamShared> SharedFor(const std::string& name);

 private:
  absl::Status BuildListener(const routing::ListenerPolicy& policy, const ListenerRuntime* before,
                             ListenerRuntime& runtime, std::vector<std::string>& warnings);
  absl::Status BuildUpstream(const routing::UpstreamPolicy& policy, const UpstreamRuntime* before,
                             UpstreamRuntime& runtime);
  absl::Status BuildListeners(Snapshot& snapshot, const Snapshot* previous, std::vector<std::string>& warnings);
  absl::Status BuildUpstreams(Snapshot& snapshot, const Snapshot* previous);
  void BuildRoutes(Snapshot& snapshot, const Snapshot* previous);
  void BuildRoute(Snapshot& snapshot, uint32_t index, const Snapshot* previous, uint32_t before);

  metrics::Registry& registry_;
  const net::TicketKeys& tickets_;
  uint32_t workers_;
  const base::Clock& clock_;
  uint64_t next_generation_ = 1;
  std::map<std::string, std::weak_ptr<UpstreamShared>> shared_;
  std::map<std::string, std::weak_ptr<SharedBudget>> listener_connections_;  // by address
};

}  // namespace headgate::proxy
