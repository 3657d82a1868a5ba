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

  // Fills pin.clusters, configures those of upstreams that changed since `before` (the pin that was current; may be
  // null) and retires those of upstreams that are gone.
  void Adopt(SnapshotPin& pin, const SnapshotPin* before);
  void SetEndpoints(const std::shared_ptr<UpstreamShared>& upstream, std::shared_ptr<const EndpointSet> endpoints);
  // Null: no configuration in force names it.
  Cluster* Find(const std::shared_ptr<UpstreamShared>& upstream) noexcept;
  // Frees retired clusters that nothing uses any more. `oldest`: the number of the oldest pin that is alive.
  void Sweep(uint64_t oldest);
  void CloseIdle();
  // Frees everything; no exchange may be left.
  void Clear() { clusters_.clear(); }

 private:
  struct Entry {
    std::unique_ptr<Cluster> cluster;
    bool retired = false;
    uint64_t last_named = 0;  // a retired one's: no later pin names it
  };
  Entry& EntryFor(const std::shared_ptr<UpstreamShared>& upstream);
  Cluster* Configure(const UpstreamRuntime& upstream);
  void Retire(UpstreamShared* upstream, Entry& entry);

  WorkerContext& worker_;
  uint64_t adoptions_ = 0;
  absl::flat_hash_map<UpstreamShared*, Entry> clusters_;
  std::vector<UpstreamShared*> retired_;  // and some that came back since
};

}  // namespace headgate::proxy
