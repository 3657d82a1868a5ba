// Sums the shards and writes the families that live in cells.
// Owned by metrics::Registry.
// One scrape at a time; writers and the store go on meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "metrics/capped_family.h"
#include "metrics/catalogue.h"
#include "metrics/series_store.h"
#include "metrics/shard.h"
#include "metrics/text_writer.h"

namespace headgate::metrics {

using Shards = std::vector<const Shard*>;

uint64_t SumCell(const Shards& shards, uint32_t cell) noexcept;
HistogramValue SumHistogram(const Shards& shards, HistogramId id);
// What all shards counted for one id, by key (method label << 16 | code) in rising order.
using RequestSums = std::vector<std::pair<uint32_t, uint64_t>>;
RequestSums SumRequests(const Shards& shards, RequestsId id);
// A key of a gRPC status, which is its lower half.
constexpr bool IsGrpc(uint32_t key) noexcept { return key >> 16U == Shard::kGrpcLabel; }

class Exporter {
 public:
  explicit Exporter(size_t family_series_max)
      : requests_(family_series_max), grpc_(family_series_max), errors_(family_series_max) {}

  // Route and upstream families, in the order of the catalogue. `weights`: lines of headgate_route_weight_ratio.
  void WriteNamed(const SeriesLists& lists, const Shards& shards, std::string_view weights, TextWriter& out);
  void WriteProcess(const SeriesLists& lists, const Shards& shards, TextWriter& out);
  // Before the entries' cells are zeroed: keeps what they had counted as `_other`.
  void Drop(const SeriesLists& unused, const Shards& shards);
  // Label sets that traffic brought and that found their family full, since the last call.
  size_t TakeFolded() noexcept { return requests_.TakeFolded() + grpc_.TakeFolded() + errors_.TakeFolded(); }

 private:
  struct GrpcCount {
    BackendEntry* backend;
    uint32_t key;
    uint64_t count;
  };

  using Backends = std::vector<std::shared_ptr<BackendEntry>>;
  using Routes = std::vector<std::shared_ptr<RouteEntry>>;

  template <class AnyEntry>
  void WriteRows(const std::vector<std::shared_ptr<AnyEntry>>& entries, const Shards& shards, TextWriter& out);
  template <class AnyRow, class AnyEntry>
  void WriteRow(const AnyRow& row, const std::vector<std::shared_ptr<AnyEntry>>& entries, const Shards& shards,
                TextWriter& out);
  void WriteRequests(const Backends& backends, const Shards& shards, TextWriter& out);
  void WriteGrpc(const std::string& other, const Shards& shards, const std::vector<GrpcCount>& counts, TextWriter& out);
  void WriteErrors(const FamilyInfo& row, const Routes& routes, const Shards& shards, TextWriter& out);

  CappedFamily requests_;  // key: method label << 16 | code
  CappedFamily grpc_;      // key: Shard::kGrpcLabel << 16 | status label
  CappedFamily errors_;    // key: ProxyErrorReason
};

}  // namespace headgate::metrics
