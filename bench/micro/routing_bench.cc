// What routing costs: a look-up among few and among many routes, building the table, choosing a backend.
// Run with --benchmark_repetitions=5 on a quiet machine; "bytes_per_route" is what the compiled routes and their table
// hold, counted by malloc.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/rng.h"
#include "base/slab.h"
#include "config/model.h"
#include "http/message.h"
#include "routing/compile/compile.h"
#include "routing/split.h"

namespace headgate::routing {
namespace {

constexpr int kRoutesPerHost = 10;
constexpr size_t kRequests = 4096;

std::string HostName(size_t host) { return "shop-" + std::to_string(host) + ".example.com"; }
std::string Prefix(size_t number) { return "/api/v" + std::to_string(number) + "/items"; }

// Ten routes per host: prefixes, each to its own weights, as tenants of one cluster have them.
std::shared_ptr<const config::Model> MakeModel(size_t routes) {
  auto model = std::make_shared<config::Model>();
  config::Listener& listener = model->listeners.emplace_back();
  listener.name.value = "web";
  listener.address.value.port = 8080;
  auto upstream = std::make_shared<config::Upstream>();
  upstream->name.value = "shop";
  upstream->address.emplace().value.name = "shop.svc";
  model->upstreams.push_back(upstream);
  for (size_t i = 0; i < routes; ++i) {
    auto route = std::make_shared<config::Route>();
    route->name.value = "route-" + std::to_string(i);
    route->hostnames.push_back({HostName(i / kRoutesPerHost), {}});
    config::RouteMatch& match = route->matches.emplace_back();
    match.path.emplace();
    match.path->value.value = Prefix(i % kRoutesPerHost);
    route->backends.emplace_back().upstream.value = "shop";
    model->routes.push_back(std::move(route));
  }
  return model;
}

struct Requests {
  explicit Requests(size_t routes) {
    base::Rng rng(1);
    texts.reserve(kRequests * 2);
    for (size_t i = 0; i < kRequests; ++i) {
      const size_t route = rng.Below(routes);
      texts.push_back(HostName(route / kRoutesPerHost));
      texts.push_back(Prefix(route % kRoutesPerHost) + "/12345");
      auto head = std::make_unique<http::RequestHead>(arena);
      head->host = texts[2 * i];
      head->path = head->match_path = texts[2 * i + 1];
      heads.push_back(std::move(head));
    }
  }
  base::SlabPool pool;
  base::Arena arena{pool};
  std::vector<std::string> texts;
  std::vector<std::unique_ptr<http::RequestHead>> heads;
};

// A random host and path each time: the table is as cold as a cache lets it be.
void BM_LookUp(benchmark::State& state) {
  const auto routes = static_cast<size_t>(state.range(0));
  const auto model = MakeModel(routes);
  config::DiagnosticList diagnostics;
  const auto compiled = Compile(*model, nullptr, diagnostics);
  const Requests requests(routes);
  size_t at = 0;
  for (auto _ : state) {
    const Match match = compiled->table.Find(0, *requests.heads[at]);
    if (match.route == nullptr) state.SkipWithError("not found");
    benchmark::DoNotOptimize(match);
    at = (at + 1) % kRequests;
  }
}
BENCHMARK(BM_LookUp)->Arg(10)->Arg(1000)->Arg(10'000)->Arg(100'000);

void BM_Compile(benchmark::State& state) {
  const auto routes = static_cast<size_t>(state.range(0));
  const auto model = MakeModel(routes);
  config::DiagnosticList diagnostics;
  malloc_trim(0);
  const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  std::shared_ptr<const Compiled> compiled = Compile(*model, nullptr, diagnostics);
  const size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
  state.counters["bytes_per_route"] = static_cast<double>(after - before) / static_cast<double>(routes);
  for (auto _ : state) {
    compiled.reset();
    compiled = Compile(*model, nullptr, diagnostics);
  }
}
BENCHMARK(BM_Compile)->Arg(100)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

// A reload in which no route changed.
void BM_CompileAgain(benchmark::State& state) {
  const auto model = MakeModel(static_cast<size_t>(state.range(0)));
  config::DiagnosticList diagnostics;
  const std::shared_ptr<const Compiled> first = Compile(*model, nullptr, diagnostics);
  for (auto _ : state) benchmark::DoNotOptimize(Compile(*model, first.get(), diagnostics));
}
BENCHMARK(BM_CompileAgain)->Arg(100)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

ForwardAction MakeSplit(int64_t backends) {
  ForwardAction action;
  for (int64_t i = 0; i < backends; ++i) {
    Backend& backend = action.backends.emplace_back();
    backend.name = "shop-v" + std::to_string(i);
    backend.name_hash = BackendNameHash(backend.name);
    backend.weight = static_cast<uint32_t>(1 + i * 7);
  }
  return action;
}

void BM_SplitByWeight(benchmark::State& state) {
  const ForwardAction action = MakeSplit(state.range(0));
  SplitState split;
  split.Adopt(action);
  for (auto _ : state) benchmark::DoNotOptimize(split.Next());
}
BENCHMARK(BM_SplitByWeight)->Arg(1)->Arg(2)->Arg(8);

void BM_Cohort(benchmark::State& state) {
  const ForwardAction action = MakeSplit(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(CohortOf(action, "0123456789abcdef"));
}
BENCHMARK(BM_Cohort)->Arg(2)->Arg(8);

void BM_NewUser(benchmark::State& state) {
  const ForwardAction action = MakeSplit(state.range(0));
  SplitState split;
  split.Adopt(action);
  base::Rng rng(1);
  for (auto _ : state) benchmark::DoNotOptimize(split.NextNewUser(action, {}, rng));
}
BENCHMARK(BM_NewUser)->Arg(2)->Arg(8);

}  // namespace
}  // namespace headgate::routing
