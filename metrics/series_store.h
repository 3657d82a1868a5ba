// All series by name, with caps and the cells they lie in.
// Owned by metrics::Registry.
// Under the registry's mutex.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "metrics/cell_allocator.h"
#include "metrics/entries.h"

namespace headgate::metrics {

struct SeriesLists {
  std::vector<std::shared_ptr<RouteEntry>> routes;
  std::vector<std::shared_ptr<BackendEntry>> backends;
  std::vector<std::shared_ptr<UpstreamEntry>> upstreams;
  std::vector<std::shared_ptr<ListenerEntry>> listeners;
  std::vector<std::shared_ptr<ProcessEntry>> process;  // the one, or none
};

class SeriesStore {
 public:
  SeriesStore(const base::Clock& clock, size_t family_series_max);

  std::shared_ptr<const RouteSeries> Route(std::string_view route, std::span<const std::string_view> upstreams);
  std::shared_ptr<const UpstreamSeries> Upstream(std::string_view upstream);
  std::shared_ptr<const ListenerSeries> Listener(std::string_view listener);
  const ProcessSeries& process() const noexcept { return process_->series; }
  // How many names were refused because their family was full, since the last call.
  size_t TakeRefused() noexcept { return std::exchange(refused_, 0); }

  SeriesLists List() const;
  // Takes what nobody has held since `before` out of the tables. Its cells are given back by Release.
  SeriesLists TakeUnused(base::Instant before);
  // The caller has zeroed the cells in every shard.
  void Release(const SeriesLists& unused);

 private:
  using Names = std::array<std::string, 2>;

  template <class Entry>
  std::shared_ptr<Entry> Make(std::string labels, Names names);
  std::shared_ptr<RouteEntry> FindRoute(std::string_view route);
  std::shared_ptr<BackendEntry> FindBackend(std::string_view route, std::string_view upstream);
  template <class Entry>
  std::shared_ptr<Entry> Find(SeriesTable<Entry>& table, std::string_view label, std::string_view name, size_t max);

  const base::Clock& clock_;
  const size_t series_max_;
  size_t refused_ = 0;
  CellAllocator cells_;
  SeriesTable<RouteEntry> routes_;
  SeriesTable<BackendEntry> backends_;
  SeriesTable<UpstreamEntry> upstreams_;
  SeriesTable<ListenerEntry> listeners_;
  // Always there, beside the tables: who is beyond a cap gets these.
  std::shared_ptr<RouteEntry> other_route_;
  std::shared_ptr<BackendEntry> other_backend_;
  std::shared_ptr<UpstreamEntry> other_upstream_;
  std::shared_ptr<ListenerEntry> other_listener_;
  std::shared_ptr<ProcessEntry> process_;
};

}  // namespace headgate::metrics
