// A worker's clusters by name: made when a configuration or an endpoint set first names them, gone when nothing does.
// Owned by the worker.
// One thread: the worker's.
#pragma once

#include <memory>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "proxy/snapshot/pin.h"
#include "proxy/upstream/cluster.h"

namespace headgate::proxy {

class ClusterSet {
 public:
  explicit ClusterSet(WorkerContext& worker) : worker_(worker) {}

  // Configures the clusters that the pin's snapshot names, fills pin.clusters and retires the others.
  void Adopt(SnapshotPin& pin);
  void SetEndpoints(const std::shared_ptr<UpstreamShared>& upstream, std::shared_ptr<const EndpointSet> endpoints);
  // Frees retired clusters that nothing uses any more. `pins` are those still alive.
  void Sweep(const std::vector<std::unique_ptr<SnapshotPin>>& pins);
  void CloseIdle();
  // Frees everything; no exchange may be left.
  void Clear() { clusters_.clear(); }

 private:
  struct Entry {
    std::unique_ptr<Cluster> cluster;
    bool retired = false;
  };
  Entry& EntryFor(const std::shared_ptr<UpstreamShared>& upstream);

  WorkerContext& worker_;
  absl::flat_hash_map<UpstreamShared*, Entry> clusters_;
};

}  // namespace headgate::proxy
