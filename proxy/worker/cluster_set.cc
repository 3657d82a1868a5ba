#include "proxy/worker/cluster_set.h"

#include "absl/container/flat_hash_set.h"

namespace headgate::proxy {

ClusterSet::Entry& ClusterSet::EntryFor(const std::shared_ptr<UpstreamShared>& upstream) {
  Entry& entry = clusters_[upstream.get()];
  if (entry.cluster == nullptr) entry.cluster = std::make_unique<Cluster>(worker_, upstream);
  return entry;
}

void ClusterSet::Adopt(SnapshotPin& pin) {
  for (auto& [shared, entry] : clusters_) entry.retired = true;
  const std::vector<UpstreamRuntime>& upstreams = pin.snapshot().upstreams;
  pin.clusters.reserve(upstreams.size());
  for (const UpstreamRuntime& upstream : upstreams) {
    Entry& entry = EntryFor(upstream.shared);
    entry.retired = false;
    entry.cluster->Configure(upstream.policy, upstream.tls.empty() ? nullptr : upstream.tls[worker_.index],
                             upstream.series);
    if (upstream.endpoints != nullptr) entry.cluster->SetEndpoints(upstream.endpoints);
    pin.clusters.push_back(entry.cluster.get());
  }
  for (auto& [shared, entry] : clusters_) {
    if (entry.retired) entry.cluster->Retire();
  }
}

void ClusterSet::SetEndpoints(const std::shared_ptr<UpstreamShared>& upstream,
                              std::shared_ptr<const EndpointSet> endpoints) {
  EntryFor(upstream).cluster->SetEndpoints(std::move(endpoints));
}

// An exchange counts in shared().requests until it ends, so a retired cluster that shows none is unused.
void ClusterSet::Sweep(const std::vector<std::unique_ptr<SnapshotPin>>& pins) {
  absl::flat_hash_set<const Cluster*> named;
  for (const auto& pin : pins) named.insert(pin->clusters.begin(), pin->clusters.end());
  for (auto at = clusters_.begin(); at != clusters_.end();) {
    const Entry& entry = at->second;
    const bool unused = entry.retired && !named.contains(entry.cluster.get()) && !entry.cluster->busy() &&
                        entry.cluster->shared().requests.taken() == 0;
    if (unused) {
      clusters_.erase(at++);
    } else {
      ++at;
    }
  }
}

void ClusterSet::CloseIdle() {
  for (auto& [shared, entry] : clusters_) entry.cluster->CloseIdle();
}

}  // namespace headgate::proxy
