#include "proxy/snapshot/builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/units.h"
#include "routing/compile/compile.h"
#include "support/file_opens.h"
#include "tests/proxy/net/test_certificates.h"

namespace headgate::proxy {
namespace {

using net::TemporaryDirectory;
using net::TestCertificate;
using ::testing::HasSubstr;

using SnapshotPtr = std::shared_ptr<const Snapshot>;

constexpr char kPlain[] = "listeners: [{name: web, address: \"127.0.0.1:1\"}]\n";
constexpr char kSecure[] =
    "listeners: [{name: web, address: \"127.0.0.1:1\", tls: {certificates: [{certFile: a.crt, keyFile: a.key}]}}]\n";

// Files that a test has just written are old by this clock.
struct AheadClock final : base::Clock {
  base::Instant Now() const noexcept override { return base::SystemClock().Now(); }
  base::WallTime WallNow() const noexcept override { return base::SystemClock().WallNow() + offset; }
  base::Duration offset{0};
};

struct SnapshotBuilderTest : ::testing::Test {
  SnapshotBuilderTest() { Certificate("a"); }
  void Certificate(const std::string& name, long not_after_seconds = 3600) const {
    const TestCertificate made({.names = {"DNS:" + name + ".example.com"},
                                .not_before_seconds = -7200,
                                .not_after_seconds = not_after_seconds});
    made.WriteTo(directory, name);
  }
  std::shared_ptr<const routing::Compiled> Compile(const std::string& text, const Snapshot* previous = nullptr) {
    const config::LoadedFile file = config::LoadFile("headgate.yaml", text, directory.Path(""));
    EXPECT_NE(file.model, nullptr) << text;
    config::DiagnosticList problems;
    return routing::Compile(*file.model, previous == nullptr ? nullptr : previous->compiled.get(), problems);
  }
  absl::StatusOr<SnapshotPtr> TryBuild(const std::string& text, const SnapshotPtr& previous = nullptr) {
    warnings.clear();
    return builder.Build(Compile(text, previous.get()), "hash", previous.get(), warnings);
  }
  SnapshotPtr Build(const std::string& text, const SnapshotPtr& previous = nullptr) {
    auto built = TryBuild(text, previous);
    EXPECT_TRUE(built.ok()) << built.status().ToString();
    return built.ok() ? *std::move(built) : nullptr;
  }

  TemporaryDirectory directory;
  AheadClock clock;
  metrics::Registry registry{clock};
  net::TicketKeys tickets;
  SnapshotBuilder builder{registry, tickets, 3, clock};
  std::vector<std::string> warnings;
};

TEST_F(SnapshotBuilderTest, GenerationsAreNumberedAndARefusedOneTakesNoNumber) {
  const SnapshotPtr first = Build(kPlain);
  EXPECT_EQ(first->generation, 1U);
  EXPECT_EQ(first->hash, "hash");
  std::string missing = kSecure;
  missing.replace(missing.find("a.crt"), 5, "b.crt");
  EXPECT_FALSE(TryBuild(missing, first).ok());
  EXPECT_EQ(Build(kPlain, first)->generation, 2U);
}

TEST_F(SnapshotBuilderTest, ACertificateIsParsedOnceForAllWorkersWhoHaveAContextEach) {
  const SnapshotPtr snapshot = Build(kSecure);
  const ListenerRuntime& listener = snapshot->listeners[0];
  ASSERT_EQ(listener.tls.size(), 3U);
  EXPECT_NE(listener.tls[0], listener.tls[1]);
  for (const auto& context : listener.tls) EXPECT_EQ(&context->certificates(), listener.certificates.get());
}

TEST_F(SnapshotBuilderTest, AnUnchangedListenerKeepsItsCertificatesAndContexts) {
  const SnapshotPtr first = Build(kSecure);
  const SnapshotPtr second = Build(std::string(kSecure) + "routes: [{name: new, respond: {status: 200}}]\n", first);
  EXPECT_EQ(second->listeners[0].certificates, first->listeners[0].certificates);
  EXPECT_EQ(second->listeners[0].tls, first->listeners[0].tls);
  EXPECT_EQ(second->listeners[0].series->accepts, first->listeners[0].series->accepts) << "counters go on";
  EXPECT_EQ(second->listeners[0].connections, first->listeners[0].connections);
}

TEST_F(SnapshotBuilderTest, AFileThatChangedUnderItsNameMakesNewContexts) {
  const SnapshotPtr first = Build(kSecure);
  Certificate("a");
  const SnapshotPtr second = Build(kSecure, first);
  EXPECT_NE(second->listeners[0].certificates, first->listeners[0].certificates);
  ASSERT_EQ(second->listeners[0].tls.size(), 3U);
  EXPECT_NE(second->listeners[0].tls[0], first->listeners[0].tls[0]);
}

TEST_F(SnapshotBuilderTest, AnotherMinimumVersionMakesNewContexts) {
  const SnapshotPtr first = Build(kSecure);
  std::string newer = kSecure;
  newer.replace(newer.find("tls: {"), 6, "tls: {minVersion: \"1.3\", ");
  EXPECT_NE(Build(newer, first)->listeners[0].tls[0], first->listeners[0].tls[0]);
}

TEST_F(SnapshotBuilderTest, ACertificateThatFailsLaterStaysInServiceWithAWarning) {
  const SnapshotPtr first = Build(kSecure);
  directory.Write("a.crt", "garbage");
  const SnapshotPtr second = Build(kSecure, first);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->listeners[0].certificates, first->listeners[0].certificates);
  EXPECT_EQ(second->listeners[0].tls, first->listeners[0].tls);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("a.crt"));
  EXPECT_THAT(warnings[0], HasSubstr("the certificate in service stays"));
  EXPECT_THAT(second->listeners[0].CertificateProblem(0), HasSubstr("a.crt"));
  Certificate("a");
  EXPECT_EQ(Build(kSecure, second)->listeners[0].CertificateProblem(0), "");
}

TEST_F(SnapshotBuilderTest, OnlyTheCertificateThatFailsHasAProblem) {
  Certificate("b");
  std::string two = kSecure;
  two.replace(two.find("]}}]"), 1, ", {certFile: b.crt, keyFile: b.key}]");
  const SnapshotPtr first = Build(two);
  directory.Write("b.key", "garbage");
  const SnapshotPtr second = Build(two, first);
  EXPECT_EQ(second->listeners[0].CertificateProblem(0), "");
  EXPECT_THAT(second->listeners[0].CertificateProblem(1), HasSubstr("b.key"));
}

TEST_F(SnapshotBuilderTest, ACertificateThatWasNeverGoodIsAnErrorThatNamesListenerAndFile) {
  directory.Write("a.crt", "garbage");
  const auto built = TryBuild(kSecure);
  ASSERT_FALSE(built.ok());
  EXPECT_THAT(std::string(built.status().message()), HasSubstr("listener 'web'"));
  EXPECT_THAT(std::string(built.status().message()), HasSubstr("a.crt"));
}

TEST_F(SnapshotBuilderTest, ACertificateThatIsNeverChosenIsAWarning) {
  std::string two = kSecure;
  two.replace(two.find("]}}]"), 1, ", {certFile: b.crt, keyFile: b.key}]");
  TestCertificate({.names = {"DNS:a.example.com"}, .rsa_bits = 2048}).WriteTo(directory, "b");
  Build(two);
  EXPECT_EQ(warnings, std::vector<std::string>());
  TestCertificate({.names = {"DNS:a.example.com"}, .not_after_seconds = 600}).WriteTo(directory, "b");
  Build(two);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("listener 'web'"));
  EXPECT_THAT(warnings[0], HasSubstr("b.crt is never chosen"));
}

TEST_F(SnapshotBuilderTest, AnExpiredCertificateServesWithAWarning) {
  Certificate("a", -60);
  EXPECT_NE(Build(kSecure), nullptr);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("has expired"));
}

std::string Upstreams(const std::string& text) { return std::string(kPlain) + "upstreams: {" + text + "}\n"; }

TEST_F(SnapshotBuilderTest, AnUpstreamsStateSurvivesByNameAndUnchangedEndpointsAreTheSame) {
  const SnapshotPtr first =
      Build(Upstreams("a: {endpoints: [\"127.0.0.1:1\", \"127.0.0.1:2\"]}, b: {endpoints: [\"127.0.0.1:3\"]}"));
  const SnapshotPtr second =
      Build(Upstreams("a: {endpoints: [\"127.0.0.1:1\", \"127.0.0.1:2\"], loadBalancing: {policy: random}}"), first);
  EXPECT_EQ(second->upstreams[0].shared, first->upstreams[0].shared);
  EXPECT_EQ(second->upstreams[0].series->retries, first->upstreams[0].series->retries);
  EXPECT_EQ(second->upstreams[0].endpoints, first->upstreams[0].endpoints);
  EXPECT_EQ(builder.SharedFor("a"), first->upstreams[0].shared);
}

TEST_F(SnapshotBuilderTest, OfChangedEndpointsThoseThatStayKeepWhatIsKnownOfThem) {
  const SnapshotPtr first = Build(Upstreams("a: {endpoints: [\"127.0.0.1:1\", \"127.0.0.1:2\"]}"));
  const SnapshotPtr second = Build(Upstreams("a: {endpoints: [\"127.0.0.1:2\", \"127.0.0.1:3\"]}"), first);
  const auto& before = first->upstreams[0].endpoints->endpoints;
  const auto& now = second->upstreams[0].endpoints->endpoints;
  ASSERT_EQ(now.size(), 2U);
  EXPECT_EQ(now[0].shared, before[1].shared);
  EXPECT_NE(now[1].shared, before[0].shared);
}

TEST_F(SnapshotBuilderTest, AnUpstreamThatIsGoneAndHeldByNobodyBeginsAnew) {
  SnapshotPtr first = Build(Upstreams("a: {endpoints: [\"127.0.0.1:1\"]}"));
  const std::weak_ptr<UpstreamShared> before = first->upstreams[0].shared;
  first = Build(kPlain, first);
  EXPECT_TRUE(before.expired());
}

TEST_F(SnapshotBuilderTest, AnUpstreamNamedByDnsHasNoEndpointsInTheSnapshot) {
  EXPECT_EQ(Build(Upstreams("a: {address: \"shop.svc:80\"}"))->upstreams[0].endpoints, nullptr);
}

TEST_F(SnapshotBuilderTest, ContextsToAnUpstreamAreKeptUntilPolicyOrFilesChange) {
  const std::string text =
      Upstreams("a: {endpoints: [\"127.0.0.1:1\"], tls: {caFile: a.crt, serverName: a.example.com}}");
  const SnapshotPtr first = Build(text);
  ASSERT_EQ(first->upstreams[0].tls.size(), 3U);
  const SnapshotPtr same = Build(text, first);
  EXPECT_EQ(same->upstreams[0].tls, first->upstreams[0].tls);
  const SnapshotPtr other_name =
      Build(Upstreams("a: {endpoints: [\"127.0.0.1:1\"], tls: {caFile: a.crt, serverName: b.example.com}}"), same);
  EXPECT_NE(other_name->upstreams[0].tls[0], first->upstreams[0].tls[0]);
  Certificate("a");
  const SnapshotPtr other_file = Build(text, same);
  EXPECT_NE(other_file->upstreams[0].tls[0], first->upstreams[0].tls[0]);
  directory.Write("a.crt", "garbage");
  const auto broken = TryBuild(text, other_file);
  ASSERT_FALSE(broken.ok());
  EXPECT_THAT(std::string(broken.status().message()), HasSubstr("upstream 'a'"));
}

TEST_F(SnapshotBuilderTest, OneWeightThatChangesReadsNoFileAndChangesNothingElse) {
  const auto text = [](const char* weight) {
    std::string whole =
        std::string(kSecure) +
        "upstreams:\n  a: {endpoints: [\"127.0.0.1:1\"], tls: {caFile: a.crt, serverName: a.example.com}}\n"
        "  b: {endpoints: [\"127.0.0.1:2\"]}\nroutes:\n";
    for (const char* name : {"one", "two", "three"}) {
      whole += std::string("  - {name: ") + name + ", matches: [{path: {exact: /" + name +
               "}}], backends: [{upstream: a}, {upstream: b, weight: " + (name == std::string("two") ? weight : "5") +
               "}]}\n";
    }
    return whole + "  - {name: own, matches: [{path: {exact: /own}}], respond: {status: 200}}\n";
  };
  clock.offset = std::chrono::hours(1);
  const SnapshotPtr first = Build(text("5"));
  EXPECT_EQ(first->changes.since, 0U);
  EXPECT_EQ(first->changes.upstreams, (std::vector<uint32_t>{0, 1}));
  EXPECT_THAT(first->changes.splits, ::testing::IsEmpty()) << "there is no progress yet";
  support::FileOpens opens(directory.Path(""));
  const SnapshotPtr second = Build(text("6"), first);
  EXPECT_EQ(opens.Take(), std::set<std::string>());
  EXPECT_EQ(second->changes.since, first->generation);
  EXPECT_THAT(second->changes.upstreams, ::testing::IsEmpty());
  EXPECT_THAT(second->changes.gone_upstreams, ::testing::IsEmpty());
  EXPECT_EQ(second->changes.former_upstreams, (std::vector<uint32_t>{0, 1}));
  ASSERT_EQ(second->changes.splits.size(), 1U);
  EXPECT_EQ(second->changes.splits[0].route, 1U);
  EXPECT_EQ(second->changes.splits[0].before, first->splits[1]);
  for (const size_t i : {0U, 2U, 3U}) {
    EXPECT_EQ(second->compiled->routes[i], first->compiled->routes[i]);
    EXPECT_EQ(second->splits[i], first->splits[i]);
    EXPECT_EQ(second->routes[i].series, first->routes[i].series);
  }
  EXPECT_NE(second->splits[1], first->splits[1]);
  EXPECT_EQ(second->splits[3], nullptr);
  EXPECT_EQ(second->upstreams[0].tls, first->upstreams[0].tls);
}

TEST_F(SnapshotBuilderTest, ACertificateThatWasReadTooSoonIsReadOnceMoreAndThenNoLonger) {
  const SnapshotPtr first = Build(kSecure);
  clock.offset = std::chrono::hours(1);
  support::FileOpens opens(directory.Path(""));
  const SnapshotPtr second = Build(kSecure, first);
  EXPECT_EQ(opens.Take(), (std::set<std::string>{"a.crt", "a.key"}));
  EXPECT_EQ(second->listeners[0].tls, first->listeners[0].tls);
  const SnapshotPtr third = Build(kSecure, second);
  EXPECT_EQ(opens.Take(), std::set<std::string>());
  EXPECT_EQ(third->listeners[0].tls, first->listeners[0].tls);
}

TEST_F(SnapshotBuilderTest, UpstreamsThatComeAndGoAreNamedByTheirOldPlaces) {
  const SnapshotPtr first = Build(Upstreams("a: {endpoints: [\"127.0.0.1:1\"]}, b: {endpoints: [\"127.0.0.1:2\"]}"));
  const SnapshotPtr second =
      Build(Upstreams("b: {endpoints: [\"127.0.0.1:2\"]}, c: {endpoints: [\"127.0.0.1:3\"]}"), first);
  EXPECT_EQ(second->changes.former_upstreams, (std::vector<uint32_t>{1, SnapshotChanges::kNew}));
  EXPECT_EQ(second->changes.upstreams, (std::vector<uint32_t>{1}));
  EXPECT_EQ(second->changes.gone_upstreams, (std::vector<uint32_t>{0}));
}

TEST_F(SnapshotBuilderTest, ARoutesSeriesAreThoseOfItsNameAndBackendsInTheirOrder) {
  const std::string text =
      Upstreams("a: {endpoints: [\"127.0.0.1:1\"]}, b: {endpoints: [\"127.0.0.1:2\"]}") +
      "routes:\n  - {name: one, matches: [{path: {exact: /1}}], backends: [{upstream: b}, {upstream: a}]}\n"
      "  - {name: two, respond: {status: 200}}\n";
  const SnapshotPtr first = Build(text);
  ASSERT_EQ(first->routes.size(), 2U);
  EXPECT_EQ(first->routes[0].series->backends.size(), 3U) << "no upstream reached, b, a";
  EXPECT_EQ(first->routes[1].series->backends.size(), 1U);
  EXPECT_NE(first->no_route, nullptr);
  const SnapshotPtr second = Build(text, first);
  EXPECT_EQ(second->routes[0].series->backends[1].requests.cell, first->routes[0].series->backends[1].requests.cell)
      << "a counter goes on over a reload";
}

}  // namespace
}  // namespace headgate::proxy
