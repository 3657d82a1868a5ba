#include "routing/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/routing/compiled.h"
#include "tests/routing/request.h"

namespace headgate::routing {
namespace {

std::map<std::string, std::string> Reasons(const Explanation& explanation) {
  std::map<std::string, std::string> reasons;
  for (const Candidate& candidate : explanation.candidates) {
    if (!candidate.won) reasons[candidate.route] = candidate.reason;
  }
  return reasons;
}

constexpr std::string_view kShop = R"(
listeners:
  - {name: web, address: 127.0.0.1:8080, publicPort: 80}
  - {name: inside, address: 127.0.0.1:8081}
upstreams: {v1: {address: "a:80"}, v2: {address: "b:80"}}
routes:
  - name: winner
    hostnames: ["*.shop.com"]
    matches: [{path: {prefix: /api/v2}, method: GET, headers: [{name: x-t, exact: beta}]}]
    backends: [{upstream: v1, weight: 95}, {upstream: v2, weight: 5, force: [{header: {name: x-canary, exact: always}}]}]
  - {name: all, hostnames: ["*.shop.com"], backends: [{upstream: v1}]}
  - {name: other-path, hostnames: ["*.shop.com"], matches: [{path: {exact: /api}}], respond: {status: 200}}
  - {name: other-method, hostnames: ["*.shop.com"], matches: [{method: POST}], respond: {status: 200}}
  - {name: other-header, hostnames: ["*.shop.com"], matches: [{headers: [{name: x-t, exact: gamma}]}], respond: {status: 200}}
  - {name: query, hostnames: ["*.shop.com"], matches: [{queryParams: [{name: v, regex: "[0-9]"}]}], respond: {status: 200}}
  - {name: no-method, hostnames: ["*.shop.com"], matches: [{path: {prefix: /api/v2}}], respond: {status: 200}}
  - {name: inside, listeners: [inside], hostnames: ["*.shop.com"], matches: [{path: {prefix: /api}}], respond: {status: 200}}
  - {name: elsewhere, hostnames: [a.com, b.com], access: {deny: [10.0.0.0/8]}, respond: {status: 200}}
  - {name: away, hostnames: [c.com], redirect: {scheme: https}}
  - {name: plain, hostnames: [d.com], websocket: false, backends: [{upstream: v1}]}
)";

TEST(Explain, SaysWhoWonAndWhyEachOtherCandidateLost) {
  const TestConfiguration config(kShop);
  TestRequest request("eu.shop.com", "/api/v2/x");
  request.With("x-t", "beta");
  const Explanation explanation = Explain(*config.compiled, 0, request.head);
  EXPECT_EQ(explanation.host_rule, "*.shop.com");
  EXPECT_EQ(explanation.route, "winner");
  EXPECT_EQ(explanation.rule, "path prefix /api/v2, method GET, header x-t is 'beta'");
  EXPECT_EQ(explanation.routes_of_other_hosts, 3U);
  ASSERT_FALSE(explanation.candidates.empty());
  EXPECT_TRUE(explanation.candidates[0].won);
  EXPECT_THAT(
      Reasons(explanation),
      testing::UnorderedElementsAre(testing::Pair("all", "its path prefix / is shorter than /api/v2 of route 'winner'"),
                                    testing::Pair("other-path", "it asks for path exactly /api, the path is /api/v2/x"),
                                    testing::Pair("other-method", "it asks for method POST, not GET"),
                                    testing::Pair("other-header", "it asks that header x-t is 'gamma'"),
                                    testing::Pair("query", "it asks that query parameter v matches [0-9]"),
                                    testing::Pair("no-method", "it asks for no method, route 'winner' does"),
                                    testing::Pair("inside", "it is not on listener 'web'")));
}

TEST(Explain, OfAHostThatNobodyServesThereIsNothingToSay) {
  const TestConfiguration config(kShop);
  const Explanation none = Explain(*config.compiled, 0, TestRequest("nowhere", "/").head);
  EXPECT_EQ(none.route, "");
  EXPECT_EQ(none.host_rule, "");
  EXPECT_TRUE(none.candidates.empty());
  EXPECT_EQ(none.routes_of_other_hosts, 10U);
}

}  // namespace
}  // namespace headgate::routing
