#include "control/admin/gauges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/units.h"
#include "proxy/snapshot/builder.h"
#include "routing/compile/compile.h"
#include "tests/proxy/net/test_certificates.h"

namespace headgate::control {
namespace {

using CertificateDirectory = proxy::net::TemporaryDirectory;
using proxy::net::TestCertificate;
using ::testing::HasSubstr;
using ::testing::Not;

struct GaugesTest : ::testing::Test {
  std::shared_ptr<const proxy::Snapshot> Build(const std::string& text, const std::string& hash = "h1",
                                               const proxy::Snapshot* previous = nullptr) {
    const config::LoadedFile file = config::LoadFile("headgate.yaml", text, directory.Path(""));
    EXPECT_NE(file.model, nullptr);
    config::DiagnosticList problems;
    auto built = builder.Build(routing::Compile(*file.model, nullptr, problems), hash, previous, warnings);
    EXPECT_TRUE(built.ok()) << built.status().ToString();
    return *built;
  }
  std::string Scrape() { return registry.Scrape(false); }

  CertificateDirectory directory;
  base::SystemClock clock;
  metrics::Registry registry{clock};
  proxy::net::TicketKeys tickets;
  proxy::SnapshotBuilder builder{registry, tickets, 1, clock};
  std::vector<std::string> warnings;
};

constexpr char kSplit[] = R"(
listeners: [{name: web, address: "127.0.0.1:1", limits: {maxConnections: 7}}]
upstreams:
  a: {endpoints: ["127.0.0.1:1", "127.0.0.1:2"], connections: {max: 5}}
  b: {endpoints: ["127.0.0.1:3"]}
routes: [{name: shop, backends: [{upstream: a, weight: 3}, {upstream: b, weight: 1}]}]
)";

constexpr char kWithoutB[] = R"(
listeners: [{name: web, address: "127.0.0.1:1"}]
upstreams: {a: {endpoints: ["127.0.0.1:1"]}}
routes: [{name: shop, backends: [{upstream: a, weight: 0}]}]
)";

TEST_F(GaugesTest, AGenerationsWeightsLimitsAndHashAreShown) {
  const auto snapshot = Build(kSplit);
  SetGenerationGauges(registry, *snapshot, nullptr);
  const std::string text = Scrape();
  EXPECT_THAT(text, HasSubstr("headgate_route_weight_ratio{route=\"shop\",upstream=\"a\"} 0.75\n"));
  EXPECT_THAT(text, HasSubstr("headgate_route_weight_ratio{route=\"shop\",upstream=\"b\"} 0.25\n"));
  EXPECT_THAT(text, HasSubstr("hash=\"h1\"} 1\n"));
  EXPECT_EQ(registry.Read(snapshot->listeners[0].series->connections_limit), 7);
  EXPECT_EQ(registry.Read(snapshot->upstreams[0].series->connections_limit), 5);
}

TEST_F(GaugesTest, TheNextGenerationReplacesThemAndWhatIsGoneGoesToZero) {
  const auto first = Build(kSplit);
  SetGenerationGauges(registry, *first, nullptr);
  proxy::WorkerSet server({.workers = 1, .clock = &clock, .registry = &registry});
  RefreshGauges(registry, *first, {}, server, clock.Now());
  const auto healthy = first->upstreams[1].series->endpoints[Index(metrics::EndpointState::kHealthy)];
  EXPECT_EQ(registry.Read(healthy), 1);
  const auto second = Build(kWithoutB, "h2", first.get());
  SetGenerationGauges(registry, *second, first.get());
  const std::string text = Scrape();
  EXPECT_THAT(text, HasSubstr("headgate_route_weight_ratio{route=\"shop\",upstream=\"a\"} 0\n")) << "0 of 0 is 0";
  EXPECT_THAT(text, Not(HasSubstr("headgate_route_weight_ratio{route=\"shop\",upstream=\"b\"}")));
  EXPECT_THAT(text, HasSubstr("hash=\"h2\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("hash=\"h1\"} 1\n")));
  EXPECT_EQ(registry.Read(healthy), 0) << "upstream b has gone";
  EXPECT_EQ(registry.Read(second->listeners[0].series->connections_limit), 0);
}

TEST(GaugesBeyondTheCap, ShowTheSumOfTheUpstreamsThatShareASeries) {
  const base::SystemClock clock;
  metrics::Registry registry(clock, {.family_series_max = 6});  // one upstream has a series of its own
  const proxy::net::TicketKeys tickets;
  proxy::SnapshotBuilder builder(registry, tickets, 1, clock);
  const auto build = [&](const std::string& text, const proxy::Snapshot* previous) {
    std::vector<std::string> warnings;
    config::DiagnosticList problems;
    const config::LoadedFile file = config::LoadFile("headgate.yaml", text, "/");
    return *builder.Build(routing::Compile(*file.model, nullptr, problems), "h", previous, warnings);
  };
  const std::string three = R"(
listeners: [{name: web, address: "127.0.0.1:1"}]
upstreams:
  a: {endpoints: ["127.0.0.1:1"], connections: {max: 1}}
  b: {endpoints: ["127.0.0.1:2", "127.0.0.1:3"], connections: {max: 10}}
  c: {endpoints: ["127.0.0.1:4"], connections: {max: 100}}
)";
  proxy::WorkerSet server({.workers = 1, .clock = &clock, .registry = &registry});
  const auto first = build(three, nullptr);
  SetGenerationGauges(registry, *first, nullptr);
  RefreshGauges(registry, *first, {}, server, clock.Now());
  EXPECT_THAT(registry.Scrape(false),
              HasSubstr("headgate_upstream_endpoints{upstream=\"_other\",state=\"healthy\"} 3\n"));
  const auto& series = *first->upstreams[2].series;
  EXPECT_EQ(registry.Read(series.connections_limit), 110);
  const auto second = build(three.substr(0, three.find("  c:")), first.get());
  SetGenerationGauges(registry, *second, first.get());
  EXPECT_EQ(registry.Read(series.connections_limit), 10) << "c has gone, b has not";
}

TEST_F(GaugesTest, AnEndpointThatIsSetAsideCountsAsEjectedUntilItsTimeIsOver) {
  const auto snapshot = Build(kSplit);
  proxy::WorkerSet server({.workers = 1, .clock = &clock, .registry = &registry});
  const base::Instant now = clock.Now();
  snapshot->upstreams[0].endpoints->endpoints[1].shared->SetAside(now);
  const auto& cells = snapshot->upstreams[0].series->endpoints;
  RefreshGauges(registry, *snapshot, {}, server, now);
  EXPECT_EQ(registry.Read(cells[Index(metrics::EndpointState::kHealthy)]), 1);
  EXPECT_EQ(registry.Read(cells[Index(metrics::EndpointState::kEjected)]), 1);
  RefreshGauges(registry, *snapshot, {}, server, now + std::chrono::seconds(2));
  EXPECT_EQ(registry.Read(cells[Index(metrics::EndpointState::kHealthy)]), 2);
  EXPECT_EQ(registry.Read(cells[Index(metrics::EndpointState::kEjected)]), 0);
}

TEST_F(GaugesTest, WhoWaitsForAnUpstreamIsCountedAndTheCircuitIsOpenOnceNobodyMore) {
  const auto snapshot = Build(R"(
listeners: [{name: web, address: "127.0.0.1:1"}]
upstreams: {a: {endpoints: ["127.0.0.1:2"], connections: {max: 1, maxPending: 2}}}
)");
  proxy::WorkerSet server({.workers = 1, .clock = &clock, .registry = &registry});
  const proxy::UpstreamRuntime& upstream = snapshot->upstreams[0];
  const auto expect = [&](int64_t pending, int64_t open) {
    RefreshGauges(registry, *snapshot, {}, server, clock.Now());
    EXPECT_EQ(registry.Read(upstream.series->pending), pending);
    EXPECT_EQ(registry.Read(upstream.series->circuit_open), open);
  };
  expect(0, 0);
  upstream.shared->connections.Take();
  upstream.shared->pending.Take();
  expect(1, 0);
  upstream.shared->pending.Take();
  expect(2, 1);
  upstream.shared->connections.Give();
  expect(2, 0);
}

TEST_F(GaugesTest, EndpointsOfANameAreThosePublishedAndNoneBefore) {
  const auto snapshot = Build(R"(
listeners: [{name: web, address: "127.0.0.1:1"}]
upstreams: {named: {address: "shop.svc:80"}}
)");
  const proxy::UpstreamRuntime& upstream = snapshot->upstreams[0];
  EXPECT_EQ(EndpointsOfUpstream(upstream, {}), nullptr);
  const auto set = proxy::MakeEndpointSet({{{base::IpAddress::V4(0x7f000001), 80}, 1}}, nullptr);
  const EndpointsOf published = [&](const std::string& name) { return name == "named" ? set : nullptr; };
  EXPECT_EQ(EndpointsOfUpstream(upstream, published), set);
  proxy::WorkerSet server({.workers = 1, .clock = &clock, .registry = &registry});
  RefreshGauges(registry, *snapshot, published, server, clock.Now());
  EXPECT_EQ(registry.Read(upstream.series->endpoints[Index(metrics::EndpointState::kHealthy)]), 1);
}

TEST_F(GaugesTest, EachNameOfACertificateSaysWhenTheFirstOfItsCertificatesExpires) {
  constexpr long kYearsAway = 250'000'000'000;  // in the year 9948
  const TestCertificate longer(
      {.names = {"DNS:shop.example.com", "DNS:a.example.com"}, .not_after_seconds = kYearsAway});
  const TestCertificate shorter({.names = {"DNS:shop.example.com"}, .not_after_seconds = 3600});
  longer.WriteTo(directory, "longer");
  shorter.WriteTo(directory, "shorter");
  const auto snapshot = Build(R"(
listeners:
  - name: web
    address: "127.0.0.1:1"
    tls: {certificates: [{certFile: longer.crt, keyFile: longer.key}, {certFile: shorter.crt, keyFile: shorter.key}]}
)");
  SetGenerationGauges(registry, *snapshot, nullptr);
  const auto& infos = snapshot->listeners[0].certificates->infos();
  const auto seconds = [](std::chrono::sys_seconds time) { return std::to_string(time.time_since_epoch().count()); };
  const std::string text = Scrape();
  const std::string family = "headgate_tls_certificate_not_after_timestamp_seconds";
  EXPECT_THAT(text, HasSubstr(family + "{server_name=\"a.example.com\"} " + seconds(infos[0].not_after)));
  EXPECT_THAT(text, HasSubstr(family + "{server_name=\"shop.example.com\"} " + seconds(infos[1].not_after)));
  EXPECT_THAT(text, HasSubstr("headgate_tls_certificate_usable{server_name=\"shop.example.com\"} 1"));
}

}  // namespace
}  // namespace headgate::control
