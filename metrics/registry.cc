#include "metrics/registry.h"

#include <array>
#include <atomic>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "metrics/control_families.h"
#include "metrics/exporter.h"
#include "metrics/gauge_text.h"
#include "metrics/gzip.h"
#include "metrics/reading_maker.h"
#include "metrics/series_store.h"
#include "metrics/text.h"

namespace headgate::metrics {
namespace {

template <class Ids>
void ZeroIds(const Ids& ids, uint32_t cell, Shard& shard) {
  if constexpr (std::is_same_v<Ids, RequestsId>) {
    shard.ZeroRequests(ids);
  } else {
    shard.Zero(cell, IdTraits<Ids>::kCells);
  }
}

template <class Entry>
void ZeroAll(const std::vector<std::shared_ptr<Entry>>& entries, Shard& shard) {
  for (const auto& entry : entries) {
    ForEachIds(entry->series, [&shard](const auto& ids) { ZeroIds(ids, FirstCell(ids), shard); });
  }
}

}  // namespace

// Two mutexes: `mutex_` for names and the registry's own shard, never held while text is written, so a compilation
// waits microseconds for a scrape; `scrape_mutex_`, taken first, for scrapes and the drop of series, so that no id is
// used anew while a scrape still reads its cells.
class Registry::Impl {
 public:
  Impl(const base::Clock& clock, RegistryOptions options)
      : options_(options),
        clock_(clock),
        store_(clock, options.family_series_max),
        exporter_(options.family_series_max),
        control_(clock) {}

  Shard& AddShard() {
    const std::lock_guard lock(mutex_);
    return *shards_.emplace_back(std::make_unique<Shard>());
  }
  template <class F>
  auto WithStore(F&& f) {
    const std::lock_guard lock(mutex_);
    auto series = f(store_);
    own_.Add(store_.process().metrics_overflow, store_.TakeRefused());
    return series;
  }
  void Set(uint32_t cell, uint64_t value) {
    const std::lock_guard lock(mutex_);
    own_.Set(cell, value);
  }
  void Add(CounterId id, uint64_t n) {
    const std::lock_guard lock(mutex_);
    own_.Add(id, n);
  }
  uint64_t Read(uint32_t cell) const {
    const std::lock_guard lock(mutex_);
    return SumCell(AllShards(), cell);
  }
  const ProcessSeries& process() const noexcept { return store_.process(); }
  // The size of the last exposition: the next one is about as long.
  size_t size_hint(bool gzip) const noexcept { return size_hints_[gzip ? 1 : 0].load(std::memory_order_relaxed); }
  void set_size_hint(bool gzip, size_t bytes) noexcept {
    size_hints_[gzip ? 1 : 0].store(bytes + bytes / 8, std::memory_order_relaxed);
  }
  ControlFamilies& control() noexcept { return control_; }
  size_t series_max() const noexcept { return options_.family_series_max; }
  void SetWeights(std::string text) {
    const std::lock_guard lock(mutex_);
    weights_ = std::move(text);
  }
  void SetCertificates(std::string text) {
    const std::lock_guard lock(mutex_);
    certificates_ = std::move(text);
  }
  void Scrape(const ScrapeSink& sink);
  Reading TakeReading();

 private:
  Shards AllShards() const {
    Shards all{&own_};
    for (const auto& shard : shards_) all.push_back(shard.get());
    return all;
  }
  void DropUnused();

  const RegistryOptions options_;
  const base::Clock& clock_;
  std::mutex scrape_mutex_;
  mutable std::mutex mutex_;
  Shard own_;
  std::vector<std::unique_ptr<Shard>> shards_;
  SeriesStore store_;
  Exporter exporter_;
  ControlFamilies control_;
  std::array<std::atomic<size_t>, 2> size_hints_{};
  std::string weights_;       // headgate_route_weight_ratio as text
  std::string certificates_;  // headgate_tls_certificate_... as text
};

void Registry::Impl::DropUnused() {
  const std::lock_guard lock(mutex_);
  const SeriesLists unused = store_.TakeUnused(clock_.Now() - options_.retention);
  exporter_.Drop(unused, AllShards());
  std::vector<Shard*> all{&own_};
  for (const auto& shard : shards_) all.push_back(shard.get());
  for (Shard* shard : all) {
    ZeroAll(unused.routes, *shard);
    ZeroAll(unused.backends, *shard);
    ZeroAll(unused.upstreams, *shard);
    ZeroAll(unused.listeners, *shard);
  }
  store_.Release(unused);
}

void Registry::Impl::Scrape(const ScrapeSink& sink) {
  const std::lock_guard scrape_lock(scrape_mutex_);
  DropUnused();
  SeriesLists lists;
  Shards shards;
  std::string weights;
  std::string certificates;
  {
    const std::lock_guard lock(mutex_);
    lists = store_.List();
    shards = AllShards();
    weights = weights_;
    certificates = certificates_;
  }
  TextWriter out(sink);
  exporter_.WriteNamed(lists, shards, weights, out);
  if (const size_t folded = exporter_.TakeFolded(); folded != 0) Add(store_.process().metrics_overflow, folded);
  exporter_.WriteProcess(lists, shards, out);
  out.Text(certificates);
  out.Text(control_.Serialize());
}

// Under the scrapes' mutex: no id is used anew meanwhile.
Reading Registry::Impl::TakeReading() {
  const std::lock_guard scrape_lock(scrape_mutex_);
  SeriesLists lists;
  Shards shards;
  {
    const std::lock_guard lock(mutex_);
    lists = store_.List();
    shards = AllShards();
  }
  return MakeReading(lists, shards);
}

Registry::Registry(const base::Clock& clock, RegistryOptions options) : impl_(std::make_unique<Impl>(clock, options)) {}
Registry::~Registry() = default;

Shard& Registry::AddShard() { return impl_->AddShard(); }

std::shared_ptr<const RouteSeries> Registry::Route(std::string_view route,
                                                   std::span<const std::string_view> upstreams) {
  return impl_->WithStore([&](SeriesStore& store) { return store.Route(route, upstreams); });
}
std::shared_ptr<const UpstreamSeries> Registry::Upstream(std::string_view upstream) {
  return impl_->WithStore([&](SeriesStore& store) { return store.Upstream(upstream); });
}
std::shared_ptr<const ListenerSeries> Registry::Listener(std::string_view listener) {
  return impl_->WithStore([&](SeriesStore& store) { return store.Listener(listener); });
}
const ProcessSeries& Registry::Process() const noexcept { return impl_->process(); }

void Registry::Set(GaugeId id, int64_t value) { impl_->Set(id.cell, static_cast<uint64_t>(value)); }
void Registry::Add(CounterId id, uint64_t n) { impl_->Add(id, n); }
uint64_t Registry::Read(CounterId id) const { return impl_->Read(id.cell); }
int64_t Registry::Read(GaugeId id) const { return static_cast<int64_t>(impl_->Read(id.cell)); }

void Registry::SetBuildInfo(const BuildInfo& info) {
  impl_->control().SetBuildInfo(info.version, info.revision, info.compiler);
}
void Registry::SetConfigInfo(std::string_view hash) { impl_->control().SetConfigInfo(hash); }
void Registry::CountReload(bool success) { impl_->control().CountReload(success); }

void Registry::SetRouteWeights(std::span<const RouteWeight> weights) {
  GaugeTextBuilder text(Info("headgate_route_weight_ratio"), impl_->series_max());
  for (const RouteWeight& weight : weights) text.Add({weight.route, weight.upstream}, weight.ratio);
  if (text.refused() != 0) impl_->Add(Process().metrics_overflow, text.refused());
  impl_->SetWeights(text.Take());
}

void Registry::SetCertificates(std::span<const CertificateInUse> certificates) {
  GaugeTextBuilder ends(Info("headgate_tls_certificate_not_after_timestamp_seconds"), impl_->series_max());
  GaugeTextBuilder usable(Info("headgate_tls_certificate_usable"), impl_->series_max());
  for (const CertificateInUse& one : certificates) {
    ends.Add({one.server_name}, static_cast<double>(one.not_after_seconds));
    usable.Add({one.server_name}, one.usable ? 1 : 0);
  }
  const uint64_t refused = ends.refused() + usable.refused();
  if (refused != 0) impl_->Add(Process().metrics_overflow, refused);
  impl_->SetCertificates(ends.Take() + usable.Take());
}

Reading Registry::TakeReading() { return impl_->TakeReading(); }

std::string Registry::Scrape(bool gzip) {
  std::string text;
  text.reserve(impl_->size_hint(gzip));
  Scrape(gzip, [&](std::string_view piece) { text.append(piece); });
  impl_->set_size_hint(gzip, text.size());
  return text;
}

void Registry::Scrape(bool gzip, const ScrapeSink& sink) {
  if (!gzip) return impl_->Scrape(sink);
  GzipStream stream(sink);
  const ScrapeSink compress = [&](std::string_view piece) { stream.Write(piece); };
  impl_->Scrape(compress);
  stream.Finish();
}

}  // namespace headgate::metrics
