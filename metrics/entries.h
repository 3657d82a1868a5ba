// What the registry knows of each series: its labels, where its cells lie, and what the exporter remembers of it.
// Owned by metrics::SeriesStore's tables, and by a scrape while it runs.
// Labels and ids are immutable. `known` belongs to the exporter (one scrape at a time).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "metrics/catalogue.h"
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
  std::string labels;                // as in the exposition: route="shop",upstream="a"
  std::array<std::string, 2> names;  // the labels' values; empty: there is none
  uint32_t first_cell = 0;
  bool is_other = false;
  std::vector<KnownKey> known;  // of a backend: methods and codes, gRPC statuses; of a route: reasons
};

// One owner of series, and its ids.
template <class SeriesType>
struct Entry : SeriesEntry {
  using Series = SeriesType;
  static constexpr uint32_t kCells = CellsOf<Series>();
  static constexpr auto kUse =
      std::is_same_v<Series, BackendSeries> ? CellAllocator::Use::kRequests : CellAllocator::Use::kPlain;
  Series series;
};
using BackendEntry = Entry<BackendSeries>;
using RouteEntry = Entry<RouteSeries>;
using UpstreamEntry = Entry<UpstreamSeries>;
using ListenerEntry = Entry<ListenerSeries>;
using ProcessEntry = Entry<ProcessSeries>;

}  // namespace headgate::metrics
