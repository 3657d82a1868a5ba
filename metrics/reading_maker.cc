#include "metrics/reading_maker.h"

#include <algorithm>

namespace headgate::metrics {
namespace {

template <class Id, class Number, size_t kCount>
void Sum(const Shards& shards, const std::array<Id, kCount>& ids, std::array<Number, kCount>& sums) {
  for (size_t i = 0; i < kCount; ++i) sums[i] = static_cast<Number>(SumCell(shards, ids[i].cell));
}

BackendReading ReadBackend(const BackendEntry& entry, const Shards& shards) {
  BackendReading reading{.route = entry.names[0], .upstream = entry.names[1]};
  for (const auto& [key, count] : SumRequests(shards, entry.series.requests)) {
    const uint32_t low = key & 0xFFFFU;
    if (IsGrpc(key)) {
      reading.grpc[std::min<uint32_t>(low, kGrpcStatusOther)] += count;
    } else {
      reading.requests[low < 100 * kCodeClasses ? low / 100 : 0] += count;
    }
  }
  reading.duration = SumHistogram(shards, entry.series.duration);
  return reading;
}

RouteReading ReadRoute(const RouteEntry& entry, const Shards& shards) {
  RouteReading reading{.route = entry.names[0]};
  for (const Shard* shard : shards) shard->AddTo(reading.errors, entry.series.errors.cell);
  reading.requests_active = static_cast<int64_t>(SumCell(shards, entry.series.requests_active.cell));
  reading.tunnels_active = static_cast<int64_t>(SumCell(shards, entry.series.tunnels_active.cell));
  return reading;
}

UpstreamReading ReadUpstream(const UpstreamEntry& entry, const Shards& shards) {
  UpstreamReading reading{.upstream = entry.names[0]};
  Sum(shards, entry.series.requests, reading.requests);
  Sum(shards, entry.series.connections, reading.connections);
  Sum(shards, entry.series.endpoints, reading.endpoints);
  reading.retries = SumCell(shards, entry.series.retries.cell);
  reading.response = SumHistogram(shards, entry.series.response);
  return reading;
}

}  // namespace

Reading MakeReading(const SeriesLists& lists, const Shards& shards) {
  Reading reading;
  for (const auto& entry : lists.backends) reading.backends.push_back(ReadBackend(*entry, shards));
  for (const auto& entry : lists.routes) reading.routes.push_back(ReadRoute(*entry, shards));
  for (const auto& entry : lists.upstreams) reading.upstreams.push_back(ReadUpstream(*entry, shards));
  return reading;
}

}  // namespace headgate::metrics
