#include "proxy/worker/cluster_set.h"

#include <algorithm>

#include "base/check.h"

namespace headgate::proxy {

ClusterSet::Entry& ClusterSet::EntryFor(const std::shared_ptr<UpstreamShared>& upstream) {
  Entry& entry = clusters_[upstream.get()];
  if (entry.cluster != nullptr) return entry;
  entry.cluster = std::make_unique<Cluster>(worker_, upstream);
  // Until a pin names it: the next one, or it goes again.
  Retire(upstream.get(), entry);
  return entry;
}

void ClusterSet::Retire(UpstreamShared* upstream, Entry& entry) {
  entry.cluster->Retire();
  entry.retired = true;
  entry.last_named = adoptions_;
  retired_.push_back(upstream);
}

Cluster* ClusterSet::Configure(const UpstreamRuntime& upstream) {
  Entry& entry = EntryFor(upstream.shared);
  entry.retired = false;
  entry.cluster->Configure(upstream.policy, upstream.tls.empty() ? nullptr : upstream.tls[worker_.index],
                           upstream.series);
  if (upstream.endpoints != nullptr) entry.cluster->SetEndpoints(upstream.endpoints);
  return entry.cluster.get();
}

void ClusterSet::Adopt(SnapshotPin& pin, const SnapshotPin* before) {
  const Snapshot& snapshot = pin.snapshot();
  const SnapshotChanges& changes = snapshot.changes;
  HG_CHECK(changes.since == (before == nullptr ? 0 : before->snapshot().generation));
  pin.clusters.resize(snapshot.upstreams.size());
  for (size_t i = 0; i < pin.clusters.size(); ++i) {
    const uint32_t former = changes.former_upstreams[i];
    if (former != SnapshotChanges::kNew) pin.clusters[i] = before->clusters[former];
  }
  for (const uint32_t index : changes.upstreams) pin.clusters[index] = Configure(snapshot.upstreams[index]);
  for (const uint32_t index : changes.gone_upstreams) {
    UpstreamShared* upstream = before->snapshot().upstreams[index].shared.get();
    Retire(upstream, clusters_.find(upstream)->second);
  }
  pin.number = ++adoptions_;
}

void ClusterSet::SetEndpoints(const std::shared_ptr<UpstreamShared>& upstream,
                              std::shared_ptr<const EndpointSet> endpoints) {
  EntryFor(upstream).cluster->SetEndpoints(std::move(endpoints));
}

Cluster* ClusterSet::Find(const std::shared_ptr<UpstreamShared>& upstream) noexcept {
  const auto known = clusters_.find(upstream.get());
  return known == clusters_.end() || known->second.retired ? nullptr : known->second.cluster.get();
}

// An exchange counts in shared().requests until it ends, so a retired cluster that shows none is unused.
void ClusterSet::Sweep(uint64_t oldest) {
  std::erase_if(retired_, [&](UpstreamShared* upstream) {
    const auto known = clusters_.find(upstream);
    if (known == clusters_.end() || !known->second.retired) return true;
    const Entry& entry = known->second;
    if (entry.last_named >= oldest || entry.cluster->busy() || entry.cluster->shared().requests.taken() != 0)
      return false;
    clusters_.erase(known);
    return true;
  });
}

void ClusterSet::CloseIdle() {
  for (auto& [shared, entry] : clusters_) entry.cluster->CloseIdle();
}

}  // namespace headgate::proxy
