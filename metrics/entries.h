// What the registry knows of each series: its labels, where its cells lie, and what the exporter remembers of it.
// Owned by metrics::SeriesStore's tables, and by a scrape while it runs.
// Labels and ids are immutable. `known` belongs to the exporter (one scrape at a time).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "metrics/cell_allocator.h"
#include "metrics/series.h"
#include "metrics/series_table.h"

namespace headgate::metrics {

// A label set that only traffic brings (a method and code, a reason): with a series of its own, or folded into
// `_other`.
struct KnownKey {
  uint32_t key = 0;
  bool folded = false;
};

struct SeriesEntry : SeriesUse {
  std::string labels;  // as in the exposition: route="shop",upstream="a"
  uint32_t first_cell = 0;
  bool is_other = false;
};

struct RouteEntry : SeriesEntry {
  static constexpr uint32_t kCells = 32;
  static constexpr auto kUse = CellAllocator::Use::kPlain;
  static constexpr uint32_t kErrors = 0;  // offsets within the block
  static constexpr uint32_t kRequestsActive = 28;
  static constexpr uint32_t kTunnelsActive = 29;
  static constexpr uint32_t kRequestBytes = 30;
  static constexpr uint32_t kResponseBytes = 31;
  std::vector<KnownKey> known;  // reasons
};
static_assert(kProxyErrorReasonCount <= RouteEntry::kRequestsActive);

struct BackendEntry : SeriesEntry {
  static constexpr uint32_t kCells = 32;
  static constexpr auto kUse = CellAllocator::Use::kRequests;
  static constexpr uint32_t kRequests = 16;
  std::vector<KnownKey> known;  // methods and codes, gRPC statuses

  HistogramId duration() const { return {first_cell, BucketLayout::kRequest}; }
  RequestsId requests() const { return {first_cell + kRequests}; }
};

struct UpstreamEntry : SeriesEntry {
  static constexpr uint32_t kCells = 64;
  static constexpr auto kUse = CellAllocator::Use::kPlain;
  UpstreamSeries series;
};

struct ListenerEntry : SeriesEntry {
  static constexpr uint32_t kCells = 8;
  static constexpr auto kUse = CellAllocator::Use::kPlain;
  ListenerSeries series;
};

}  // namespace headgate::metrics
