#include "routing/route_table.h"

#include <gtest/gtest.h>

#include <string>

#include "support/allocation/allocation_counter.h"
#include "tests/routing/compiled.h"
#include "tests/routing/request.h"

namespace headgate::routing {
namespace {

std::string Respond(std::string_view name, std::string_view keys) {
  return "  - {name: " + std::string(name) + ", respond: {status: 200}" + (keys.empty() ? "" : ", ") +
         std::string(keys) + "}\n";
}

TEST(RouteTable, TheMostSpecificHostnameDecidesAlone) {
  const TestConfiguration config("routes:\n" +
                                 Respond("exact", R"(hostnames: [a.example.com], matches: [{path: {prefix: /only}}])") +
                                 Respond("deep", R"(hostnames: ["*.b.example.com"])") +
                                 Respond("wide", R"(hostnames: ["*.example.com"])") + Respond("any", ""));
  EXPECT_EQ(config.Find(TestRequest("a.example.com", "/only").head), "exact");
  EXPECT_EQ(config.Find(TestRequest("a.example.com", "/other").head), "") << "never another host's route";
  EXPECT_EQ(config.Find(TestRequest("x.b.example.com", "/").head), "deep");
  EXPECT_EQ(config.Find(TestRequest("x.y.b.example.com", "/").head), "deep") << "one or more labels";
  EXPECT_EQ(config.Find(TestRequest("b.example.com", "/").head), "wide");
  EXPECT_EQ(config.Find(TestRequest("example.com", "/").head), "any") << "a wildcard stands for a label at least";
  EXPECT_EQ(config.Find(TestRequest("notexample.com", "/").head), "any");
  EXPECT_EQ(config.Find(TestRequest("", "/").head), "any");
}

TEST(RouteTable, AHostBelongsElsewhereWhereOnlyAnotherListenerNamesIt) {
  const TestConfiguration config(R"(
listeners:
  - {name: outside, address: "127.0.0.1:8080"}
  - {name: inside, address: "127.0.0.1:8081"}
routes:
  - {name: both, hostnames: [both.com], respond: {status: 200}}
  - {name: outer, listeners: [outside], hostnames: [out.com], respond: {status: 200}}
  - {name: inner, listeners: [inside], hostnames: ["*.in.com"], respond: {status: 200}}
  - {name: rest, listeners: [inside], respond: {status: 200}}
  - {name: one, listeners: [outside], hostnames: [one.in.com], respond: {status: 200}}
)");
  const RouteTable& table = config.compiled->table;
  constexpr uint32_t kOutside = 0;
  constexpr uint32_t kInside = 1;
  EXPECT_TRUE(table.BelongsElsewhere(kOutside, "a.in.com"));
  EXPECT_FALSE(table.BelongsElsewhere(kInside, "a.in.com"));
  EXPECT_FALSE(table.BelongsElsewhere(kInside, "one.in.com")) << "its own wildcard covers the name";
  EXPECT_TRUE(table.BelongsElsewhere(kInside, "out.com"));
  EXPECT_FALSE(table.BelongsElsewhere(kOutside, "out.com"));
  EXPECT_FALSE(table.BelongsElsewhere(kOutside, "both.com"));
  EXPECT_FALSE(table.BelongsElsewhere(kOutside, "nobodys.com")) << "a route for every host names none";
}

TEST(RouteTable, HostnamesOfTheFileAreNormalised) {
  const TestConfiguration config("routes:\n" + Respond("upper", R"(hostnames: [Shop.Example.COM])") +
                                 Respond("v6", R"(hostnames: ["::0:1"])"));
  EXPECT_EQ(config.Find(TestRequest("shop.example.com", "/").head), "upper");
  EXPECT_EQ(config.Find(TestRequest("[::1]", "/").head), "v6");
}

TEST(RouteTable, APrefixMatchesWholeSegments) {
  const TestConfiguration config("routes:\n" + Respond("api", "matches: [{path: {prefix: /api}}]"));
  for (const char* path : {"/api", "/api/", "/api/x", "/api/x/y/z"}) {
    EXPECT_EQ(config.Find(TestRequest("h", path).head), "api") << path;
  }
  for (const char* path : {"/apix", "/ap", "/", "/x/api", "/API"}) {
    EXPECT_EQ(config.Find(TestRequest("h", path).head), "") << path;
  }
}

TEST(RouteTable, ASlashAtAPrefixesEndChangesNothing) {
  const TestConfiguration config("routes:\n" + Respond("api", "matches: [{path: {prefix: /api/}}]"));
  EXPECT_EQ(config.Find(TestRequest("h", "/api").head), "api");
  EXPECT_EQ(config.Find(TestRequest("h", "/api/x").head), "api");
}

TEST(RouteTable, ExactThenPatternThenLongestPrefix) {
  const TestConfiguration config("routes:\n" + Respond("all", "") +
                                 Respond("prefix", "matches: [{path: {prefix: /a/b/c}}]") +
                                 Respond("short-pattern", "matches: [{path: {regex: /a/.*}}]") +
                                 Respond("long-pattern", "matches: [{path: {regex: /a/b/.*}}]") +
                                 Respond("exact", "matches: [{path: {exact: /a/b/c}}]"));
  EXPECT_EQ(config.Find(TestRequest("h", "/a/b/c").head), "exact");
  EXPECT_EQ(config.Find(TestRequest("h", "/a/b/c/d").head), "long-pattern");
  EXPECT_EQ(config.Find(TestRequest("h", "/a/x").head), "short-pattern");
  EXPECT_EQ(config.Find(TestRequest("h", "/b").head), "all");
  EXPECT_EQ(config.Find(TestRequest("h", "/x/a/b/").head), "all") << "a pattern is of the whole path";
}

TEST(RouteTable, AnExactPathThatFailsOnItsHeadersFallsBackWithinTheHost) {
  const TestConfiguration config(
      "routes:\n" + Respond("exact", "matches: [{path: {exact: /a}, headers: [{name: X-T, exact: beta}]}]") +
      Respond("prefix", "matches: [{path: {prefix: /a}, method: GET}]") + Respond("all", ""));
  EXPECT_EQ(config.Find(TestRequest("h", "/a").With("x-t", "beta").head), "exact");
  EXPECT_EQ(config.Find(TestRequest("h", "/a").With("x-t", "gamma").head), "prefix");
  EXPECT_EQ(config.Find(TestRequest("h", "/a", http::Method::kPost).head), "all");
}

TEST(RouteTable, AfterThePathMethodThenHeadersThenQueryThenTheName) {
  const TestConfiguration config(
      "routes:\n" + Respond("plain", "") + Respond("query", "matches: [{queryParams: [{name: v, exact: \"2\"}]}]") +
      Respond("b-header", "matches: [{headers: [{name: x-a, present: true}]}]") +
      Respond("a-header", "matches: [{headers: [{name: x-b, present: true}]}]") +
      Respond("headers", "matches: [{headers: [{name: x-a, present: true}, {name: x-b, regex: \"[0-9]+\"}]}]") +
      Respond("method", "matches: [{method: GET}]"));
  TestRequest all("h", "/?v=2");
  all.With("x-a", "1").With("x-b", "22");
  EXPECT_EQ(config.Find(all.head), "method");
  all.head.method = http::Method::kPost;
  EXPECT_EQ(config.Find(all.head), "headers");
  EXPECT_EQ(config.Find(TestRequest("h", "/?v=2", http::Method::kPost).With("x-a", "").head), "b-header");
  EXPECT_EQ(config.Find(TestRequest("h", "/", http::Method::kPost).With("x-a", "").With("x-b", "").head), "a-header");
  EXPECT_EQ(config.Find(TestRequest("h", "/?v=2", http::Method::kPost).head), "query");
  EXPECT_EQ(config.Find(TestRequest("h", "/", http::Method::kPost).head), "plain");
}

TEST(RouteTable, AListenersHostsAreItsOwn) {
  const TestConfiguration config(R"(
listeners:
  - {name: web, address: 127.0.0.1:8080}
  - {name: inside, address: 127.0.0.1:8081}
routes:
  - {name: inside-only, listeners: [inside], hostnames: [a.com], respond: {status: 200}}
  - {name: everywhere, respond: {status: 200}}
)");
  EXPECT_EQ(config.Find(TestRequest("a.com", "/").head, 0), "everywhere");
  EXPECT_EQ(config.Find(TestRequest("a.com", "/").head, 1), "inside-only");
  EXPECT_EQ(config.Find(TestRequest("a.com", "/").head, 2), "") << "no such listener";
}

TEST(RouteTable, MoreThanSixtyFourListenersAreToldApart) {
  std::string text = "listeners:\n";
  for (int i = 0; i < 70; ++i) {
    text += "  - {name: l" + std::to_string(i) + ", address: \"127.0.0.1:" + std::to_string(10000 + i) + "\"}\n";
  }
  text += "routes:\n  - {name: last, listeners: [l69], respond: {status: 200}}\n";
  text += "  - {name: first, listeners: [l0, l64], respond: {status: 200}}\n";
  const TestConfiguration config(text);
  EXPECT_EQ(config.Find(TestRequest("h", "/").head, 69), "last");
  EXPECT_EQ(config.Find(TestRequest("h", "/").head, 0), "first");
  EXPECT_EQ(config.Find(TestRequest("h", "/").head, 64), "first");
  EXPECT_EQ(config.Find(TestRequest("h", "/").head, 5), "");
}

TEST(RouteTable, OptionsStarIsRoutedByHostAlone) {
  const TestConfiguration config("routes:\n" + Respond("path", "hostnames: [a.com], matches: [{path: {prefix: /x}}]") +
                                 Respond("all", "hostnames: [b.com]") +
                                 Respond("longer", "hostnames: [b.com], matches: [{path: {exact: /y}}]"));
  EXPECT_EQ(config.Find(TestRequest("a.com", "*", http::Method::kOptions).head), "path");
  EXPECT_EQ(config.Find(TestRequest("b.com", "*", http::Method::kOptions).head), "all");
}

TEST(RouteTable, PrefixBytesSayWhatThePrefixCovered) {
  const TestConfiguration config("routes:\n" + Respond("api", "matches: [{path: {prefix: /api/v1}}]") +
                                 Respond("exact", "matches: [{path: {exact: /ping}}]") +
                                 Respond("pattern", "matches: [{path: {regex: /r.*}}]") + Respond("all", ""));
  const auto covered = [&](std::string_view path) {
    return config.compiled->table.Find(0, TestRequest("h", path).head).prefix_bytes;
  };
  EXPECT_EQ(covered("/api/v1/x"), 7U);
  EXPECT_EQ(covered("/ping"), 5U);
  EXPECT_EQ(covered("/rx"), 0U);
  EXPECT_EQ(covered("/other"), 0U);
}

TEST(RouteTable, LongKeysAndDeepPathsAreFound) {
  const std::string host = std::string(60, 'h') + "." + std::string(60, 'i') + ".example.com";
  std::string deep;
  for (int i = 0; i < 63; ++i) deep += "/s" + std::to_string(i);
  const TestConfiguration config(
      "routes:\n" + Respond("deep", "hostnames: [" + host + "], matches: [{path: {prefix: " + deep + "}}]") +
      Respond("wild", "hostnames: [\"*." + host + "\"]"));
  EXPECT_EQ(config.Find(TestRequest(host, deep + "/x/y/z").head), "deep");
  EXPECT_EQ(config.Find(TestRequest(host, deep).head), "deep");
  EXPECT_EQ(config.Find(TestRequest(host, deep + "x").head), "");
  EXPECT_EQ(config.Find(TestRequest("a.b." + host, "/").head), "wild");
  std::string many_labels;
  for (int i = 0; i < 90; ++i) many_labels += "a.";
  EXPECT_EQ(config.Find(TestRequest(many_labels + "example.com", "/").head), "");
}

TEST(RouteTable, NoRoutesAreFourOhFourAndNoTableToo) {
  EXPECT_EQ(TestConfiguration("routes: []\n").Find(TestRequest("h", "/").head), "");
  EXPECT_EQ(RouteTable().Find(0, TestRequest("h", "/").head).route, nullptr);
}

TEST(RouteTable, ALookUpAllocatesNothing) {
  const TestConfiguration config(
      "routes:\n" +
      Respond(
          "all-kinds",
          R"(hostnames: ["*.example.com"], matches: [{path: {regex: "/a/.*z"}, headers: [{name: x-a, regex: "[a-z]+"}], queryParams: [{name: "q q", regex: "v.*"}]}])") +
      Respond("prefix", R"(hostnames: ["*.example.com"], matches: [{path: {prefix: /a}}])"));
  TestRequest request("x.y.example.com", "/a/b/c/d/z?q%20q=v%31");
  request.With("x-a", "abc");
  ASSERT_EQ(config.Find(request.head), "all-kinds");
  const uint64_t before = support::AllocationsOfThisThread().allocations;
  for (int i = 0; i < 1000; ++i) ASSERT_NE(config.compiled->table.Find(0, request.head).route, nullptr);
  EXPECT_EQ(support::AllocationsOfThisThread().allocations, before);
}

}  // namespace
}  // namespace headgate::routing
