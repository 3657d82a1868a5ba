#include "metrics/series_store.h"

#include <utility>

#include "base/check.h"
#include "metrics/text.h"

namespace headgate::metrics {
namespace {

constexpr std::string_view kOther = "_other";
constexpr std::string_view kNone = "_none";

std::string Label(std::string_view name, std::string_view value) {
  std::string text;
  AppendLabel(text, name, value);
  return text;
}

// A series together with the leases that keep it alive.
template <class Series>
struct Held {
  Series series;
  std::vector<Lease> leases;
};

template <class Series>
std::shared_ptr<const Series> Share(std::shared_ptr<Held<Series>> held) {
  const Series* series = &held->series;
  return {std::move(held), series};
}

template <class Entry>
void ReleaseAll(const std::vector<std::shared_ptr<Entry>>& entries, CellAllocator& cells) {
  for (const auto& entry : entries) cells.Release(entry->first_cell, Entry::kCells, Entry::kUse);
}

}  // namespace

SeriesStore::SeriesStore(const base::Clock& clock, size_t family_series_max)
    : clock_(clock), series_max_(family_series_max) {
  process_ = Make<ProcessEntry>({}, {});
  HG_CHECK(process_ != nullptr);
  other_route_ = Make<RouteEntry>(Label("route", kOther), {std::string(kOther)});
  other_backend_ = Make<BackendEntry>(Label("route", kOther) + "," + Label("upstream", kOther),
                                      {std::string(kOther), std::string(kOther)});
  other_upstream_ = Make<UpstreamEntry>(Label("upstream", kOther), {std::string(kOther)});
  other_listener_ = Make<ListenerEntry>(Label("listener", kOther), {std::string(kOther)});
  other_route_->is_other = other_backend_->is_other = true;
  other_upstream_->is_other = other_listener_->is_other = true;
}

template <class Entry>
std::shared_ptr<Entry> SeriesStore::Make(std::string labels, Names names) {
  const auto first = cells_.Allocate(Entry::kCells, Entry::kUse);
  if (!first) return nullptr;
  auto entry = std::make_shared<Entry>();
  entry->labels = std::move(labels);
  entry->names = std::move(names);
  entry->first_cell = *first;
  CellLayout layout(*first);
  ForEachIds(entry->series, [&layout](auto& ids) { layout.Place(ids); });
  return entry;
}

// The table's key is the label as it will be written: two names never give one label.
template <class Entry>
std::shared_ptr<Entry> SeriesStore::Find(SeriesTable<Entry>& table, std::string_view label, std::string_view name,
                                         size_t max) {
  std::string labels = Label(label, name);
  return table.Find(labels, max, [&] { return Make<Entry>(labels, {std::string(name)}); });
}

std::shared_ptr<RouteEntry> SeriesStore::FindRoute(std::string_view route) {
  auto entry = Find(routes_, "route", route, series_max_);
  if (entry != nullptr) return entry;
  ++refused_;
  return other_route_;
}

std::shared_ptr<BackendEntry> SeriesStore::FindBackend(std::string_view route, std::string_view upstream) {
  const std::string labels = Label("route", route) + "," + Label("upstream", upstream);
  auto entry = backends_.Find(labels, series_max_,
                              [&] { return Make<BackendEntry>(labels, {std::string(route), std::string(upstream)}); });
  if (entry != nullptr) return entry;
  ++refused_;
  return other_backend_;
}

std::shared_ptr<const RouteSeries> SeriesStore::Route(std::string_view route,
                                                      std::span<const std::string_view> upstreams) {
  auto held = std::make_shared<Held<RouteSeries>>();
  const auto entry = FindRoute(route);
  held->leases.reserve(upstreams.size() + 2);
  held->leases.emplace_back(entry, clock_);
  RouteSeries& series = held->series;
  series = entry->series;
  series.backends.resize(upstreams.size() + 1);
  for (size_t i = 0; i <= upstreams.size(); ++i) {
    const auto backend = FindBackend(route, i == 0 ? kNone : upstreams[i - 1]);
    held->leases.emplace_back(backend, clock_);
    series.backends[i] = backend->series;
  }
  return Share(std::move(held));
}

std::shared_ptr<const UpstreamSeries> SeriesStore::Upstream(std::string_view upstream) {
  auto entry = Find(upstreams_, "upstream", upstream, series_max_ / WidestOf<UpstreamSeries>());
  if (entry == nullptr) {
    ++refused_;
    entry = other_upstream_;
  }
  auto held = std::make_shared<Held<UpstreamSeries>>();
  held->series = entry->series;
  held->leases.emplace_back(entry, clock_);
  return Share(std::move(held));
}

std::shared_ptr<const ListenerSeries> SeriesStore::Listener(std::string_view listener) {
  auto entry = Find(listeners_, "listener", listener, series_max_ / WidestOf<ListenerSeries>());
  if (entry == nullptr) {
    ++refused_;
    entry = other_listener_;
  }
  auto held = std::make_shared<Held<ListenerSeries>>();
  held->series = entry->series;
  held->leases.emplace_back(entry, clock_);
  return Share(std::move(held));
}

SeriesLists SeriesStore::List() const {
  SeriesLists lists = {routes_.List(), backends_.List(), upstreams_.List(), listeners_.List(), {process_}};
  lists.routes.push_back(other_route_);
  lists.backends.push_back(other_backend_);
  lists.upstreams.push_back(other_upstream_);
  lists.listeners.push_back(other_listener_);
  return lists;
}

SeriesLists SeriesStore::TakeUnused(base::Instant before) {
  return {routes_.TakeUnused(before),
          backends_.TakeUnused(before),
          upstreams_.TakeUnused(before),
          listeners_.TakeUnused(before),
          {}};
}

void SeriesStore::Release(const SeriesLists& unused) {
  ReleaseAll(unused.routes, cells_);
  ReleaseAll(unused.backends, cells_);
  ReleaseAll(unused.upstreams, cells_);
  ReleaseAll(unused.listeners, cells_);
}

}  // namespace headgate::metrics
