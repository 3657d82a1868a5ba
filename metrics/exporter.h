// Sums the shards and writes the families that live in cells.
// Owned by metrics::Registry.
// One scrape at a time; writers and the store go on meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "metrics/capped_family.h"
#include "metrics/catalogue.h"
#include "metrics/series_store.h"
#include "metrics/shard.h"
#include "metrics/text_writer.h"

namespace headgate::metrics {

using Shards = std::vector<const Shard*>;

uint64_t SumCell(const Shards& shards, uint32_t cell) noexcept;

class Exporter {
 public:
  explicit Exporter(size_t family_series_max)
      : requests_(family_series_max), grpc_(family_series_max), errors_(family_series_max) {}

  // Route and upstream families, in the order of the catalogue. `weights`: lines of headgate_route_weight_ratio.
  void WriteNamed(const SeriesLists& lists, const Shards& shards, std::string_view weights, TextWriter& out);
  void WriteProcess(const ProcessSeries& process, const Shards& shards, TextWriter& out);
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

  // Returns what it met of gRPC statuses, which lie among the requests.
  std::vector<GrpcCount> WriteRequests(const SeriesLists& lists, const Shards& shards, TextWriter& out);
  void WriteGrpc(const SeriesLists& lists, const Shards& shards, const std::vector<GrpcCount>& counts, TextWriter& out);
  void WriteErrors(const SeriesLists& lists, const Shards& shards, TextWriter& out);

  CappedFamily requests_;  // key: method label << 16 | code
  CappedFamily grpc_;      // key: Shard::kGrpcLabel << 16 | status label
  CappedFamily errors_;    // key: ProxyErrorReason
};

}  // namespace headgate::metrics
