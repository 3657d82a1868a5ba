// Names to ids: gives every route, upstream and listener its series, keeps them while somebody holds them, and adds up
// the shards at the scrape.
// Owned by app::Server (or a test); outlives the workers and every series handed out. The clock outlives it.
// Any thread but a worker's request path: calls take a mutex and may wait for another one of microseconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "metrics/reading.h"
#include "metrics/scrape_sink.h"
#include "metrics/series.h"
#include "metrics/shard.h"

namespace headgate::metrics {

struct RegistryOptions {
  // Label sets of one family, over all workers; beyond it their name label becomes `_other`.
  size_t family_series_max = 10'000;
  // How long a series outlives its last holder.
  base::Duration retention = std::chrono::minutes(15);
};

struct BuildInfo {
  std::string version, revision, compiler;
};

// The share of a route's requests that an upstream is configured to get, 0 to 1.
struct RouteWeight {
  std::string_view route, upstream;
  double ratio = 0;
};

// A certificate in use. not_after: seconds since 1970.
struct CertificateInUse {
  std::string_view server_name;
  int64_t not_after_seconds = 0;
  bool usable = true;  // its files still are
};

class Registry {
 public:
  explicit Registry(const base::Clock& clock, RegistryOptions options = {});
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  ~Registry();

  // A shard for one more thread. Lives as long as the registry.
  Shard& AddShard();

  // The same names give the same ids for as long as the series lives, so a counter never goes back on a reload. A
  // series lives while a pointer to it is held, and for `retention` after the last one. Use kNoRoute for requests that
  // no route took. Beyond the cap of a family the ids are those of `_other`.
  std::shared_ptr<const RouteSeries> Route(std::string_view route, std::span<const std::string_view> upstreams);
  std::shared_ptr<const UpstreamSeries> Upstream(std::string_view upstream);
  std::shared_ptr<const ListenerSeries> Listener(std::string_view listener);
  const ProcessSeries& Process() const noexcept;

  // For threads without a shard, off the request path. Set is the absolute value, added to what shards hold.
  void Set(GaugeId id, int64_t value);
  void Add(CounterId id, uint64_t n = 1);
  // The process's sum of a cell, for the admin pages and tests.
  uint64_t Read(CounterId id) const;
  int64_t Read(GaugeId id) const;

  // What was counted for every route, backend and upstream, as numbers: for who judges or shows them.
  Reading TakeReading();

  // The control plane's own numbers.
  void SetBuildInfo(const BuildInfo& info);
  void SetConfigInfo(std::string_view hash);
  // One reload: counts it, and for a successful one remembers the time.
  void CountReload(bool success);
  // Replaces what was there.
  void SetRouteWeights(std::span<const RouteWeight> weights);
  void SetCertificates(std::span<const CertificateInUse> certificates);

  // Prometheus text format 0.0.4, gzipped when asked. Drops the series whose time has come.
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";
  // The sink runs while other scrapes wait: it must not block on a peer.
  std::string Scrape(bool gzip);
  void Scrape(bool gzip, const ScrapeSink& sink);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

inline constexpr std::string_view kNoRoute = "_none";

}  // namespace headgate::metrics
