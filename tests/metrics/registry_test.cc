#include "metrics/registry.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "metrics/catalogue.h"
#include "tests/metrics/exposition.h"

namespace headgate::metrics {
namespace {

using Names = std::vector<std::string_view>;
using std::chrono::minutes;

class RegistryTest : public testing::Test {
 protected:
  Exposition Scrape() { return ParseExposition(registry_.Scrape(false)); }

  base::FakeClock clock_;
  Registry registry_{clock_};
  Shard& shard_ = registry_.AddShard();
};

TEST_F(RegistryTest, TheSameNamesGiveTheSameIds) {
  const auto first = registry_.Route("shop", Names{"a", "b"});
  const auto second = registry_.Route("shop", Names{"b", "c", "a"});
  ASSERT_EQ(first->backends.size(), 3U);
  ASSERT_EQ(second->backends.size(), 4U);
  EXPECT_EQ(first->requests_active, second->requests_active);
  EXPECT_EQ(first->errors, second->errors);
  EXPECT_EQ(first->backends[0].requests, second->backends[0].requests);
  EXPECT_EQ(first->backends[1].requests, second->backends[3].requests);
  EXPECT_EQ(first->backends[2].duration, second->backends[1].duration);
  EXPECT_EQ(registry_.Upstream("a")->retries, registry_.Upstream("a")->retries);
  EXPECT_EQ(registry_.Listener("web")->accepts, registry_.Listener("web")->accepts);
}

TEST_F(RegistryTest, DifferentNamesGiveDifferentIds) {
  const auto shop = registry_.Route("shop", Names{"a", "b"});
  const auto blog = registry_.Route("blog", Names{"a", "b"});
  EXPECT_NE(shop->requests_active, blog->requests_active);
  EXPECT_NE(shop->backends[1].requests, blog->backends[1].requests);
  EXPECT_NE(shop->backends[1].requests, shop->backends[2].requests);
  EXPECT_NE(registry_.Upstream("a")->retries, registry_.Upstream("b")->retries);
}

TEST_F(RegistryTest, AScrapeAddsUpAllShards) {
  Shard& other = registry_.AddShard();
  const auto route = registry_.Route("shop", Names{"a"});
  for (Shard* shard : {&shard_, &other}) {
    shard->CountRequest(route->backends[1].requests, 0, 200);
    shard->Add(route->request_bytes, 10);
    shard->Observe(route->backends[1].duration, minutes(1));
  }
  shard_.AddGauge(route->requests_active, 3);
  other.AddGauge(route->requests_active, -2);
  const Exposition text = Scrape();
  EXPECT_EQ(text.At(R"(headgate_requests_total{code="200",code_class="2xx",method="GET",route="shop",upstream="a"})"),
            2);
  EXPECT_EQ(text.At(R"(headgate_request_bytes_total{route="shop"})"), 20);
  EXPECT_EQ(text.At(R"(headgate_requests_active{route="shop"})"), 1);
  EXPECT_EQ(text.At(R"(headgate_request_duration_seconds_sum{route="shop",upstream="a"})"), 120);
  EXPECT_EQ(text.At(R"(headgate_request_duration_seconds_bucket{le="10",route="shop",upstream="a"})"), 0);
  EXPECT_EQ(text.At(R"(headgate_request_duration_seconds_bucket{le="+Inf",route="shop",upstream="a"})"), 2);
  EXPECT_TRUE(text.repeated.empty());
}

TEST_F(RegistryTest, KnownValuesAreThereFromTheStartInFamiliesWithoutARoute) {
  const auto upstream = registry_.Upstream("a");
  const auto listener = registry_.Listener("web");
  const auto route = registry_.Route("shop", Names{"a"});
  const Exposition text = Scrape();
  for (const std::string_view reason : kRejectReasonWords) {
    EXPECT_EQ(text.At("headgate_requests_rejected_total{reason=\"" + std::string(reason) + "\"}"), 0) << reason;
  }
  for (const std::string_view result : kUpstreamResultWords) {
    EXPECT_EQ(text.At("headgate_upstream_requests_total{result=\"" + std::string(result) + "\",upstream=\"a\"}"), 0);
  }
  for (const std::string_view state : kEndpointStateWords) {
    EXPECT_EQ(text.At("headgate_upstream_endpoints{state=\"" + std::string(state) + "\",upstream=\"a\"}"), 0);
  }
  EXPECT_EQ(text.At(R"(headgate_connections{listener="web",state="idle"})"), 0);
  EXPECT_EQ(text.CountPrefix("headgate_tls_handshakes_total{"), kTlsHandshakeCount);
  EXPECT_EQ(text.At("headgate_config_reloads_total{result=\"failure\"}"), 0);
  EXPECT_EQ(text.CountPrefix("headgate_proxy_errors_total"), 0U) << "reasons of routes come when they happen";
  EXPECT_EQ(text.CountPrefix("headgate_request_duration_seconds"), 0U);
}

TEST_F(RegistryTest, GrpcStatusesAreAFamilyOfTheirOwnBesideTheRequests) {
  Shard& other = registry_.AddShard();
  auto route = registry_.Route("shop", Names{"a"});
  for (Shard* shard : {&shard_, &other}) {
    shard->CountRequest(route->backends[1].requests, 2, 200);
    shard->CountGrpc(route->backends[1].requests, GrpcStatusLabel(0));
  }
  shard_.CountGrpc(route->backends[1].requests, GrpcStatusLabel(14));
  shard_.CountGrpc(route->backends[0].requests, GrpcStatusLabel(12));
  shard_.CountGrpc(route->backends[1].requests, GrpcStatusLabel(17));
  shard_.CountGrpc(route->backends[1].requests, GrpcStatusLabel(4'000'000'000));
  const Exposition text = Scrape();
  EXPECT_EQ(text.At(R"(headgate_grpc_requests_total{grpc_status="0",route="shop",upstream="a"})"), 2);
  EXPECT_EQ(text.At(R"(headgate_grpc_requests_total{grpc_status="14",route="shop",upstream="a"})"), 1);
  EXPECT_EQ(text.At(R"(headgate_grpc_requests_total{grpc_status="12",route="shop",upstream="_none"})"), 1);
  EXPECT_EQ(text.At(R"(headgate_grpc_requests_total{grpc_status="other",route="shop",upstream="a"})"), 2);
  EXPECT_EQ(text.CountPrefix("headgate_grpc_requests_total{"), 4U);
  EXPECT_EQ(text.CountPrefix("headgate_requests_total{"), 1U) << "nor do they count as requests once more";
  EXPECT_EQ(text.At(R"(headgate_requests_total{code="200",code_class="2xx",method="POST",route="shop",upstream="a"})"),
            2);
  route = nullptr;
  clock_.Advance(minutes(16));
  EXPECT_EQ(Scrape().CountPrefix("headgate_grpc_requests_total{"), 0U);
}

TEST_F(RegistryTest, AListenerKnowsItsConnectionsByProtocolAndItsStreams) {
  const auto listener = registry_.Listener("web");
  shard_.Add(listener->accepted_protocols[Index(ConnectionProtocol::kH2)], 3);
  shard_.AddGauge(listener->streams_active, 5);
  shard_.AddGauge(listener->streams_active, -1);
  const Exposition text = Scrape();
  EXPECT_EQ(text.At(R"(headgate_connections_by_protocol_total{listener="web",protocol="h2"})"), 3);
  EXPECT_EQ(text.At(R"(headgate_connections_by_protocol_total{listener="web",protocol="http/1.1"})"), 0);
  EXPECT_EQ(text.At(R"(headgate_streams_active{listener="web"})"), 4);
  EXPECT_EQ(text.At(R"(headgate_accepts_total{listener="web"})"), 0);
}

TEST_F(RegistryTest, EveryFamilyOfTheCatalogueIsExportedWithItsTypeAndHelp) {
  const std::vector<RouteWeight> weights = {{"shop", "a", 0.25}};
  const std::vector<CertificateInUse> certificates = {{"shop.example.com", 1'800'000'000}, {"b", 0, false}};
  const auto route = registry_.Route("shop", Names{"a"});
  const auto upstream = registry_.Upstream("a");
  const auto listener = registry_.Listener("web");
  registry_.SetRouteWeights(weights);
  registry_.SetCertificates(certificates);
  registry_.SetBuildInfo({"0.1.0", "abc", "g++"});
  registry_.SetConfigInfo("1234");
  shard_.CountRequest(route->backends[1].requests, 0, 200);
  shard_.CountGrpc(route->backends[1].requests, GrpcStatusLabel(0));
  shard_.Observe(route->backends[1].duration, minutes(1));
  shard_.Observe(upstream->response, minutes(1));
  shard_.CountError(route->errors, ProxyErrorReason::kConnect);
  const Exposition text = Scrape();
  constexpr std::array<std::string_view, 3> kTypes = {"counter", "gauge", "histogram"};
  for (const FamilyInfo& family : kCatalogue) {
    const auto type = text.types.find(std::string(family.name));
    ASSERT_NE(type, text.types.end()) << family.name;
    EXPECT_EQ(type->second, kTypes[Index(family.type)]) << family.name;
    EXPECT_EQ(text.helps.at(std::string(family.name)), family.help);
  }
  EXPECT_EQ(text.At(R"(headgate_route_weight_ratio{route="shop",upstream="a"})"), 0.25);
  EXPECT_EQ(text.At(R"(headgate_tls_certificate_not_after_timestamp_seconds{server_name="shop.example.com"})"), 1.8e9);
  EXPECT_EQ(text.At(R"(headgate_tls_certificate_usable{server_name="shop.example.com"})"), 1);
  EXPECT_EQ(text.At(R"(headgate_tls_certificate_usable{server_name="b"})"), 0);
  EXPECT_EQ(text.At(R"(headgate_build_info{compiler="g++",revision="abc",version="0.1.0"})"), 1);
  EXPECT_GT(text.At("process_resident_memory_bytes"), 1e6);
  EXPECT_TRUE(text.repeated.empty());
}

TEST_F(RegistryTest, AReloadIsCountedAndItsTimeKept) {
  registry_.CountReload(true);
  clock_.Advance(minutes(1));
  registry_.CountReload(false);
  registry_.SetConfigInfo("old");
  registry_.SetConfigInfo("new");
  const Exposition text = Scrape();
  EXPECT_EQ(text.At("headgate_config_reloads_total{result=\"success\"}"), 1);
  EXPECT_EQ(text.At("headgate_config_reloads_total{result=\"failure\"}"), 1);
  EXPECT_EQ(text.At("headgate_config_last_reload_successful"), 0);
  EXPECT_EQ(text.At("headgate_config_last_reload_success_timestamp_seconds"), 1.7e9);
  EXPECT_EQ(text.At("headgate_config_info{hash=\"new\"}"), 1);
  EXPECT_FALSE(text.Has("headgate_config_info{hash=\"old\"}"));
}

TEST_F(RegistryTest, SetIsAbsoluteAndReadSumsWhatThreadsAdded) {
  const auto upstream = registry_.Upstream("a");
  const GaugeId healthy = upstream->endpoints[Index(EndpointState::kHealthy)];
  registry_.Set(healthy, 5);
  registry_.Set(healthy, 3);
  shard_.AddGauge(healthy, -1);
  registry_.Add(upstream->retries, 2);
  shard_.Add(upstream->retries);
  EXPECT_EQ(registry_.Read(healthy), 2);
  EXPECT_EQ(registry_.Read(upstream->retries), 3U);
  EXPECT_EQ(Scrape().At(R"(headgate_upstream_endpoints{state="healthy",upstream="a"})"), 2);
}

TEST_F(RegistryTest, ACounterGoesOnWhenItsRouteComesBackAfterAReload) {
  auto route = registry_.Route("shop", Names{"a"});
  shard_.Add(route->request_bytes, 5);
  route = nullptr;
  clock_.Advance(minutes(14));
  EXPECT_EQ(Scrape().At(R"(headgate_request_bytes_total{route="shop"})"), 5);
  route = registry_.Route("shop", Names{"a"});
  shard_.Add(route->request_bytes, 1);
  clock_.Advance(minutes(60));
  EXPECT_EQ(Scrape().At(R"(headgate_request_bytes_total{route="shop"})"), 6) << "held, however long";
}

TEST_F(RegistryTest, ASeriesIsDroppedFifteenMinutesAfterItsLastHolderAlsoWithoutScrapesMeanwhile) {
  auto route = registry_.Route("shop", Names{"a"});
  auto upstream = registry_.Upstream("a");
  auto listener = registry_.Listener("web");
  shard_.CountRequest(route->backends[1].requests, 0, 200);
  Scrape();
  clock_.Advance(minutes(120));
  route = nullptr;
  upstream = nullptr;
  listener = nullptr;
  EXPECT_EQ(Scrape().CountPrefix("headgate_requests_total{"), 1U) << "released just now, not two hours ago";
  clock_.Advance(minutes(15) - std::chrono::seconds(1));
  EXPECT_EQ(Scrape().CountPrefix("headgate_requests_total{"), 1U);
  clock_.Advance(std::chrono::seconds(1));
  const Exposition text = Scrape();
  EXPECT_EQ(text.CountPrefix("headgate_requests_total{"), 0U);
  EXPECT_EQ(text.CountPrefix("headgate_requests_active"), 0U);
  EXPECT_EQ(text.CountPrefix("headgate_upstream_"), 0U);
  EXPECT_EQ(text.CountPrefix("headgate_connections"), 0U);
}

TEST_F(RegistryTest, ABackendThatLeftItsRouteIsDroppedAlone) {
  auto route = registry_.Route("shop", Names{"a", "b"});
  shard_.CountRequest(route->backends[1].requests, 0, 200);
  shard_.CountRequest(route->backends[2].requests, 0, 200);
  route = registry_.Route("shop", Names{"a"});
  clock_.Advance(minutes(16));
  const Exposition text = Scrape();
  EXPECT_TRUE(
      text.Has(R"(headgate_requests_total{code="200",code_class="2xx",method="GET",route="shop",upstream="a"})"));
  EXPECT_EQ(text.CountPrefix("headgate_requests_total{"), 1U);
}

TEST_F(RegistryTest, RecycledCellsStartAtZeroAndRoutesMayComeAndGoForEver) {
  uint32_t highest_early = 0;
  uint32_t highest = 0;
  for (int generation = 0; generation < 200; ++generation) {
    const std::string name = "route-" + std::to_string(generation);
    auto route = registry_.Route(name, Names{"a", "b"});
    EXPECT_EQ(registry_.Read(route->request_bytes), 0U);
    for (uint16_t code = 200; code < 225; ++code) shard_.CountRequest(route->backends[2].requests, 0, code);
    shard_.Add(route->request_bytes, 7);
    shard_.CountError(route->errors, ProxyErrorReason::kReset);
    shard_.Observe(route->backends[1].duration, minutes(1));
    highest = std::max(highest, route->backends[2].requests.cell);
    if (generation == 20) highest_early = highest;
    route = nullptr;
    const Exposition text = Scrape();
    EXPECT_EQ(text.At("headgate_request_bytes_total{route=\"" + name + "\"}"), 7);
    EXPECT_EQ(text.At("headgate_request_duration_seconds_count{route=\"" + name + "\",upstream=\"a\"}"), 1);
    clock_.Advance(minutes(16));
  }
  EXPECT_EQ(highest, highest_early) << "cells are used again";
}

TEST_F(RegistryTest, NamesThatNeedEscapingCannotBreakTheExposition) {
  const auto evil = registry_.Route("a\"b\\c\nd\xFF", Names{"\xFE"});
  const auto twin = registry_.Route("a\"b\\c\nd\xFE", Names{"\xFE"});
  shard_.Add(evil->request_bytes, 1);
  shard_.Add(twin->request_bytes, 1);
  const Exposition text = Scrape();
  EXPECT_EQ(text.At("headgate_request_bytes_total{route=\"a\\\"b\\\\c\\nd\xEF\xBF\xBD\"}"), 2)
      << "two names of one label are one series";
  EXPECT_TRUE(text.repeated.empty());
}

TEST_F(RegistryTest, WeightsAndCertificatesReplaceWhatWasThere) {
  registry_.SetRouteWeights(std::vector<RouteWeight>{{"shop", "a", 0.9}, {"shop", "b", 0.1}});
  registry_.SetRouteWeights(std::vector<RouteWeight>{{"shop", "b", 1}});
  const Exposition text = Scrape();
  EXPECT_EQ(text.CountPrefix("headgate_route_weight_ratio{"), 1U);
  EXPECT_EQ(text.At(R"(headgate_route_weight_ratio{route="shop",upstream="b"})"), 1);
}

TEST_F(RegistryTest, TheSinkGetsPiecesOfAtMost64KiB) {
  std::vector<std::shared_ptr<const RouteSeries>> routes;
  for (int i = 0; i < 2000; ++i) routes.push_back(registry_.Route("route-" + std::to_string(i), Names{"a"}));
  std::string joined;
  size_t largest = 0;
  registry_.Scrape(false, [&](std::string_view piece) {
    largest = std::max(largest, piece.size());
    joined += piece;
  });
  EXPECT_LE(largest, size_t{64} * 1024);
  EXPECT_EQ(ParseExposition(joined).CountPrefix("headgate_requests_active{"), 2000U);
}

}  // namespace
}  // namespace headgate::metrics
