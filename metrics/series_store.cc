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

template <class Id, size_t kCount>
void Number(std::array<Id, kCount>& ids, uint32_t first) {
  for (size_t i = 0; i < kCount; ++i) ids[i].cell = first + static_cast<uint32_t>(i);
}

void Number(UpstreamEntry& entry) {
  const uint32_t first = entry.first_cell;
  UpstreamSeries& series = entry.series;
  series.response = {first, BucketLayout::kRequest};
  Number(series.requests, first + 16);
  Number(series.connects, first + 24);
  Number(series.connections, first + 32);
  Number(series.endpoints, first + 36);
  series.connections_limit.cell = first + 40;
  series.retries.cell = first + 41;
}
static_assert(kUpstreamResultCount <= 8 && kConnectResultCount <= 8 && kEndpointStateCount <= 4);
static_assert(6 + kConnectionProtocolCount <= ListenerEntry::kCells);

void Number(ListenerEntry& entry) {
  Number(entry.series.connections, entry.first_cell);
  entry.series.connections_limit.cell = entry.first_cell + 2;
  entry.series.accepts.cell = entry.first_cell + 3;
  entry.series.accept_errors.cell = entry.first_cell + 4;
  entry.series.streams_active.cell = entry.first_cell + 5;
  Number(entry.series.accepted_protocols, entry.first_cell + 6);
}

void Number(RouteEntry&) {}
void Number(BackendEntry&) {}

template <class Entry>
void ReleaseAll(const std::vector<std::shared_ptr<Entry>>& entries, CellAllocator& cells) {
  for (const auto& entry : entries) cells.Release(entry->first_cell, Entry::kCells, Entry::kUse);
}

}  // namespace

SeriesStore::SeriesStore(const base::Clock& clock, size_t family_series_max)
    : clock_(clock), series_max_(family_series_max) {
  MakeProcess();
  other_route_ = Make<RouteEntry>(Label("route", kOther));
  other_backend_ = Make<BackendEntry>(Label("route", kOther) + "," + Label("upstream", kOther));
  other_upstream_ = Make<UpstreamEntry>(Label("upstream", kOther));
  other_listener_ = Make<ListenerEntry>(Label("listener", kOther));
  other_route_->is_other = other_backend_->is_other = true;
  other_upstream_->is_other = other_listener_->is_other = true;
}

void SeriesStore::MakeProcess() {
  const auto first = cells_.Allocate(128, CellAllocator::Use::kPlain);
  HG_CHECK(first.has_value());
  process_.proxy_overhead = {*first, BucketLayout::kInternal};
  process_.loop_delay = {*first + 16, BucketLayout::kInternal};
  Number(process_.requests_rejected, *first + 32);
  Number(process_.tls_handshakes, *first + 64);
  process_.access_log_dropped.cell = *first + 96;
  process_.snapshots_active.cell = *first + 97;
  process_.metrics_overflow.cell = *first + 98;
  static_assert(kRejectReasonCount <= 32 && kTlsHandshakeCount <= 32);
}

template <class Entry>
std::shared_ptr<Entry> SeriesStore::Make(std::string labels) {
  const auto first = cells_.Allocate(Entry::kCells, Entry::kUse);
  if (!first) return nullptr;
  auto entry = std::make_shared<Entry>();
  entry->labels = std::move(labels);
  entry->first_cell = *first;
  Number(*entry);
  return entry;
}

// The table's key is the label as it will be written: two names never give one label.
template <class Entry>
std::shared_ptr<Entry> SeriesStore::Find(SeriesTable<Entry>& table, std::string_view label, std::string_view name,
                                         size_t max) {
  std::string labels = Label(label, name);
  return table.Find(labels, max, [&] { return Make<Entry>(labels); });
}

std::shared_ptr<RouteEntry> SeriesStore::FindRoute(std::string_view route) {
  auto entry = Find(routes_, "route", route, series_max_);
  if (entry != nullptr) return entry;
  ++refused_;
  return other_route_;
}

std::shared_ptr<BackendEntry> SeriesStore::FindBackend(std::string_view route, std::string_view upstream) {
  const std::string labels = Label("route", route) + "," + Label("upstream", upstream);
  auto entry = backends_.Find(labels, series_max_, [&] { return Make<BackendEntry>(labels); });
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
  series.requests_active.cell = entry->first_cell + RouteEntry::kRequestsActive;
  series.tunnels_active.cell = entry->first_cell + RouteEntry::kTunnelsActive;
  series.request_bytes.cell = entry->first_cell + RouteEntry::kRequestBytes;
  series.response_bytes.cell = entry->first_cell + RouteEntry::kResponseBytes;
  series.errors.cell = entry->first_cell + RouteEntry::kErrors;
  series.backends.resize(upstreams.size() + 1);
  for (size_t i = 0; i <= upstreams.size(); ++i) {
    const auto backend = FindBackend(route, i == 0 ? kNone : upstreams[i - 1]);
    held->leases.emplace_back(backend, clock_);
    series.backends[i] = {backend->requests(), backend->duration()};
  }
  return Share(std::move(held));
}

std::shared_ptr<const UpstreamSeries> SeriesStore::Upstream(std::string_view upstream) {
  // The widest family has a series per result.
  auto entry = Find(upstreams_, "upstream", upstream, series_max_ / kUpstreamResultCount);
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
  auto entry = Find(listeners_, "listener", listener, series_max_ / kConnectionStateCount);
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
  SeriesLists lists = {routes_.List(), backends_.List(), upstreams_.List(), listeners_.List()};
  lists.routes.push_back(other_route_);
  lists.backends.push_back(other_backend_);
  lists.upstreams.push_back(other_upstream_);
  lists.listeners.push_back(other_listener_);
  return lists;
}

SeriesLists SeriesStore::TakeUnused(base::Instant before) {
  return {routes_.TakeUnused(before), backends_.TakeUnused(before), upstreams_.TakeUnused(before),
          listeners_.TakeUnused(before)};
}

void SeriesStore::Release(const SeriesLists& unused) {
  ReleaseAll(unused.routes, cells_);
  ReleaseAll(unused.backends, cells_);
  ReleaseAll(unused.upstreams, cells_);
  ReleaseAll(unused.listeners, cells_);
}

}  // namespace headgate::metrics
