#include "metrics/reading.h"

#include <gtest/gtest.h>

#include "metrics/registry.h"

namespace headgate::metrics {
namespace {

using std::chrono::milliseconds;

TEST(ReadingTest, HasTheSumsOfAllShardsByName) {
  const base::FakeClock clock;
  Registry registry(clock);
  Shard& one = registry.AddShard();
  Shard& two = registry.AddShard();
  const std::vector<std::string_view> upstreams = {"stable", "canary"};
  const auto route = registry.Route("shop", upstreams);
  const auto upstream = registry.Upstream("canary");
  const BackendSeries& canary = route->backends[2];
  for (const uint16_t code : {200, 204, 404, 503}) one.CountRequest(canary.requests, 0, code);
  two.CountRequest(canary.requests, 2, 500);
  two.CountRequest(canary.requests, 2, 999);
  two.CountGrpc(canary.requests, GrpcStatusLabel(14));
  one.Observe(canary.duration, milliseconds(3));
  two.Observe(canary.duration, milliseconds(4));
  one.CountError(route->errors, ProxyErrorReason::kTimeout);
  two.CountError(route->errors, ProxyErrorReason::kTimeout);
  one.AddGauge(route->requests_active, 5);
  two.AddGauge(route->requests_active, -2);
  two.Add(upstream->requests[Index(UpstreamResult::kReset)], 7);
  two.AddGauge(upstream->connections[Index(ConnectionState::kIdle)], 3);
  one.Add(upstream->retries);
  const Reading reading = registry.TakeReading();
  ASSERT_EQ(reading.backends.size(), 4U) << "_none, canary, stable of shop, and _other";
  const BackendReading& found = reading.backends[1];
  EXPECT_EQ(found.route + " " + found.upstream, "shop canary");
  EXPECT_EQ(found.requests, (std::array<uint64_t, kCodeClasses>{1, 0, 2, 0, 1, 2}));
  EXPECT_EQ(found.grpc[14], 1U);
  EXPECT_EQ(found.duration.counts[2], 2U) << "up to 5 ms";
  EXPECT_EQ(found.duration.sum_ns, 7'000'000U);
  EXPECT_EQ(reading.routes[0].route, "shop");
  EXPECT_EQ(reading.routes[0].errors[Index(ProxyErrorReason::kTimeout)], 2U);
  EXPECT_EQ(reading.routes[0].requests_active, 3);
  EXPECT_EQ(reading.upstreams[0].upstream, "canary");
  EXPECT_EQ(reading.upstreams[0].requests[Index(UpstreamResult::kReset)], 7U);
  EXPECT_EQ(reading.upstreams[0].connections[Index(ConnectionState::kIdle)], 3);
  EXPECT_EQ(reading.upstreams[0].retries, 1U);
  EXPECT_EQ(reading.upstreams[1].upstream, "_other");
}

TEST(ReadingTest, NamesAreAsTheyWereGiven) {
  const base::FakeClock clock;
  Registry registry(clock);
  const std::vector<std::string_view> upstreams = {"a\\b"};
  const auto route = registry.Route("the \"shop\"", upstreams);
  const Reading reading = registry.TakeReading();
  EXPECT_EQ(reading.routes[0].route, "the \"shop\"");
  EXPECT_EQ(reading.backends[1].upstream, "a\\b");
}

}  // namespace
}  // namespace headgate::metrics
