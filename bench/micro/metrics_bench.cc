// What counting costs on the request path, what an access log line costs, and how long a scrape of 1,000 routes takes.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/access_log.h"
#include "metrics/registry.h"

namespace {

namespace base = headgate::base;
namespace metrics = headgate::metrics;
using std::chrono::microseconds;

struct World {
  base::SystemClock clock;
  metrics::Registry registry{clock};
  metrics::Shard& shard{registry.AddShard()};
  std::vector<std::string_view> upstreams{"a", "b"};
  std::shared_ptr<const metrics::RouteSeries> route{registry.Route("shop", upstreams)};
};

void BM_Add(benchmark::State& state) {
  World world;
  for (auto _ : state) {
    world.shard.Add(world.route->request_bytes, 17);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_Add);

void BM_Observe(benchmark::State& state) {
  World world;
  uint64_t ns = 1;
  for (auto _ : state) {
    ns = ns * 6364136223846793005U + 1;
    world.shard.Observe(world.route->backends[1].duration, base::Duration(ns >> 32U));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_Observe);

// The argument: how many (method, code) pairs came before this one.
void BM_CountRequest(benchmark::State& state) {
  World world;
  const auto code = static_cast<uint16_t>(200 + state.range(0));
  for (uint16_t other = 200; other <= code; ++other)
    world.shard.CountRequest(world.route->backends[1].requests, 0, other);
  for (auto _ : state) {
    world.shard.CountRequest(world.route->backends[1].requests, 0, code);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_CountRequest)->Arg(0)->Arg(3)->Arg(6)->Arg(12);

metrics::AccessRecord TypicalRecord() {
  metrics::AccessRecord record;
  record.time = base::WallTime(std::chrono::seconds(1'790'000'000));
  record.request_id = "0191f3a4c1d27b6e8f90a1b2c3d4e5f6";
  record.client = "203.0.113.42";
  record.method = "GET";
  record.host = "shop.example.com";
  record.path = "/catalogue/shoes/running/4711";
  record.protocol = "HTTP/1.1";
  record.route = "shop-catalogue";
  record.upstream = "catalogue-v2";
  record.endpoint = "10.42.3.17:8080";
  record.tls = "TLSv1.3";
  record.user_agent =
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
  record.referer = "https://shop.example.com/catalogue/shoes?session=abc";
  record.bytes_out = 5324;
  record.duration = microseconds(12'345);
  record.upstream_duration = microseconds(11'987);
  record.attempts = 1;
  record.code = 200;
  return record;
}

void BM_AccessLogWrite(benchmark::State& state) {
  World world;
  const metrics::AccessLogSettings settings;
  metrics::AccessLogRing ring(size_t{1} << 20U, settings, world.shard, world.registry.Process().access_log_dropped);
  metrics::AccessRecord record = TypicalRecord();
  for (auto _ : state) {
    record.time += microseconds(10);
    if (ring.Wanted()) ring.Write(record);
    ring.Consume(ring.size());
  }
  if (world.registry.Read(world.registry.Process().access_log_dropped) != 0) state.SkipWithError("lines were dropped");
}
BENCHMARK(BM_AccessLogWrite);

// Two workers, 1,000 routes with two upstreams each, all of which were used with three status codes.
void BM_Scrape1000Routes(benchmark::State& state) {
  World world;
  std::vector<metrics::Shard*> shards{&world.shard, &world.registry.AddShard()};
  std::vector<std::shared_ptr<const metrics::RouteSeries>> routes;
  std::vector<std::shared_ptr<const metrics::UpstreamSeries>> upstreams;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "team-" + std::to_string(i % 50) + "-service-" + std::to_string(i);
    const std::string stable = name + "-stable";
    const std::string canary = name + "-canary";
    routes.push_back(world.registry.Route(name, std::vector<std::string_view>{stable, canary}));
    upstreams.push_back(world.registry.Upstream(stable));
    upstreams.push_back(world.registry.Upstream(canary));
    for (metrics::Shard* shard : shards) {
      for (size_t b = 1; b < 3; ++b) {
        for (const uint16_t code : {200, 404, 503}) shard->CountRequest(routes.back()->backends[b].requests, 0, code);
        shard->Observe(routes.back()->backends[b].duration, microseconds(i * 100));
        shard->Observe(upstreams[upstreams.size() + b - 3]->response, microseconds(i * 90));
      }
      shard->CountError(routes.back()->errors, metrics::ProxyErrorReason::kTimeout);
    }
  }
  size_t bytes = 0;
  const metrics::ScrapeSink count = [&](std::string_view piece) { bytes += piece.size(); };
  for (auto _ : state) {
    bytes = 0;
    world.registry.Scrape(state.range(0) != 0, count);
  }
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(BM_Scrape1000Routes)->ArgName("gzip")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
