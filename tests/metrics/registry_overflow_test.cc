#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "metrics/registry.h"
#include "tests/metrics/exposition.h"

namespace headgate::metrics {
namespace {

using Names = std::vector<std::string_view>;
using std::chrono::minutes;

class RegistryOverflowTest : public testing::Test {
 protected:
  Exposition Scrape() { return ParseExposition(registry_.Scrape(false)); }

  base::FakeClock clock_;
  Registry registry_{clock_, {.family_series_max = 10}};
  Shard& shard_ = registry_.AddShard();
  std::vector<std::shared_ptr<const RouteSeries>> routes_;
};

TEST_F(RegistryOverflowTest, RoutesBeyondTheCapAreCountedTogetherAsOther) {
  for (int i = 0; i < 13; ++i) {
    routes_.push_back(registry_.Route("route-" + std::to_string(i), Names{}));
    shard_.Add(routes_.back()->request_bytes, 1);
  }
  const Exposition text = Scrape();
  EXPECT_EQ(text.CountPrefix("headgate_request_bytes_total{"), 11U);
  EXPECT_EQ(text.At(R"(headgate_request_bytes_total{route="_other"})"), 3);
  EXPECT_EQ(text.At("headgate_metrics_overflow_total"), 6) << "three routes and their three pairs with _none";
}

TEST_F(RegistryOverflowTest, CodesBeyondTheCapAreFoldedAndNothingIsLost) {
  routes_.push_back(registry_.Route("shop", Names{"a"}));
  for (uint16_t code = 200; code < 225; ++code) shard_.CountRequest(routes_[0]->backends[1].requests, 0, code);
  const Exposition text = Scrape();
  EXPECT_EQ(text.CountPrefix("headgate_requests_total{code=\""), 25U);
  size_t own = 0;
  for (const auto& [series, value] : text.values)
    own += series.find("route=\"shop\",upstream=\"a\"") != std::string::npos;
  EXPECT_EQ(own, 10U);
  EXPECT_EQ(text.At("headgate_metrics_overflow_total"), 15);
  EXPECT_EQ(Scrape().At("headgate_metrics_overflow_total"), 15) << "once per label set, not per scrape";
}

TEST_F(RegistryOverflowTest, OtherNeverGoesBackWhenARouteIsDropped) {
  auto first = registry_.Route("first", Names{"a"});
  for (uint16_t code = 200; code < 215; ++code) shard_.CountRequest(first->backends[1].requests, 0, code);
  for (size_t i = 0; i < kProxyErrorReasonCount; ++i) {
    shard_.CountError(first->errors, static_cast<ProxyErrorReason>(i));
  }
  const Exposition before = Scrape();
  first = nullptr;
  clock_.Advance(minutes(16));
  const Exposition after = Scrape();
  size_t compared = 0;
  for (const auto& [series, value] : before.values) {
    if (series.find("route=\"_other\"") == std::string::npos) continue;
    EXPECT_EQ(after.At(series), value) << series;
    ++compared;
  }
  EXPECT_EQ(compared, 5U + 10U) << "five codes and ten reasons were folded";

  auto second = registry_.Route("second", Names{"a"});
  shard_.CountRequest(second->backends[1].requests, 0, 299);
  EXPECT_TRUE(
      Scrape().Has(R"(headgate_requests_total{code="299",code_class="2xx",method="GET",route="second",upstream="a"})"))
      << "the dropped series made room";
}

TEST_F(RegistryOverflowTest, AFoldedCodeStaysFoldedWhenThereIsRoomAgain) {
  auto keeper = registry_.Route("keeper", Names{"a"});
  auto leaver = registry_.Route("leaver", Names{"a"});
  for (uint16_t code = 200; code < 210; ++code) shard_.CountRequest(leaver->backends[1].requests, 0, code);
  Scrape();
  shard_.CountRequest(keeper->backends[1].requests, 0, 404);
  const std::string other =
      R"(headgate_requests_total{code="404",code_class="4xx",method="GET",route="_other",upstream="_other"})";
  EXPECT_EQ(Scrape().At(other), 1);
  leaver = nullptr;
  clock_.Advance(minutes(16));
  shard_.CountRequest(keeper->backends[1].requests, 0, 404);
  EXPECT_EQ(Scrape().At(other), 2);
}

TEST_F(RegistryOverflowTest, CodesBeyondTheBoundOfAShardAreWrittenAsOther) {
  routes_.push_back(registry_.Route("shop", Names{"a"}));
  for (uint16_t code = 100; code < 600; ++code) shard_.CountRequest(routes_[0]->backends[1].requests, 0, code);
  const Exposition text = Scrape();
  EXPECT_EQ(
      text.At(
          R"(headgate_requests_total{code="_other",code_class="_other",method="OTHER",route="_other",upstream="_other"})"),
      500.0 - Shard::kRequestsPairs * Shard::kRequestsBlocksMax);
  double sum = 0;
  for (const auto& [series, value] : text.values) sum += series.rfind("headgate_requests_total", 0) == 0 ? value : 0;
  EXPECT_EQ(sum, 500);
}

TEST_F(RegistryOverflowTest, UpstreamsAndListenersAreCappedByTheirWidestFamily) {
  std::vector<std::shared_ptr<const UpstreamSeries>> upstreams;
  std::vector<std::shared_ptr<const ListenerSeries>> listeners;
  for (int i = 0; i < 8; ++i) {
    upstreams.push_back(registry_.Upstream("upstream-" + std::to_string(i)));
    listeners.push_back(registry_.Listener("listener-" + std::to_string(i)));
    shard_.Add(upstreams.back()->requests[0]);
    shard_.Add(listeners.back()->accepts);
  }
  const Exposition text = Scrape();
  EXPECT_EQ(text.At(R"(headgate_upstream_requests_total{result="ok",upstream="_other"})"), 7);
  EXPECT_EQ(text.At(R"(headgate_accepts_total{listener="_other"})"), 3);
}

TEST_F(RegistryOverflowTest, WeightsBeyondTheCapAreLeftOutAndCounted) {
  std::vector<std::string> names;
  for (int i = 0; i < 12; ++i) names.push_back("route-" + std::to_string(i));
  std::vector<RouteWeight> weights;
  for (const std::string& name : names) weights.push_back({name, "a", 1});
  registry_.SetRouteWeights(weights);
  const Exposition text = Scrape();
  EXPECT_EQ(text.CountPrefix("headgate_route_weight_ratio{"), 10U);
  EXPECT_EQ(text.At("headgate_metrics_overflow_total"), 2);
}

TEST(RegistryCapacityTest, ManyMoreNamesThanCellsStillGiveUsableIds) {
  const base::FakeClock clock;
  Registry registry(clock, {.family_series_max = 1'000'000});
  Shard& shard = registry.AddShard();
  std::vector<std::shared_ptr<const UpstreamSeries>> upstreams;
  for (int i = 0; i < 40'000; ++i) {
    upstreams.push_back(registry.Upstream("upstream-" + std::to_string(i)));
    ASSERT_LT(upstreams.back()->retries.cell, Shard::kCellsMax);
  }
  shard.Add(upstreams.back()->retries);
  EXPECT_NE(registry.Scrape(false).find("headgate_upstream_retries_total{upstream=\"_other\"} 1"), std::string::npos);
}

}  // namespace
}  // namespace headgate::metrics
