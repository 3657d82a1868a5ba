// What is counted of an answer of our own, however its HTTP/2 client ends: the answer's END_STREAM waits for the body.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/integration/h2_peer.h"
#include "tests/integration/proxy_under_test.h"

namespace headgate::integration {
namespace {

constexpr const char* kAnswers =
    "listeners:\n  - {name: web, address: \"127.0.0.1:0\", protocols: [h2, http/1.1]}\n"
    "upstreams:\n  app: {endpoints: [\"127.0.0.1:1\"]}\n  none: {address: \"does-not-exist.invalid:80\"}\n"
    "routes:\n"
    "  - {name: direct, matches: [{path: {prefix: /direct}}], respond: {status: 200, body: ours}}\n"
    "  - {name: empty, matches: [{path: {prefix: /empty}}], respond: {status: 200}}\n"
    "  - {name: none, matches: [{path: {prefix: /none}}], backends: [{upstream: none}]}\n"
    "  - {name: size, matches: [{path: {prefix: /size}}], maxBodySize: 10, backends: [{upstream: app}]}\n"
    "  - {name: deny, matches: [{path: {prefix: /deny}}], access: {deny: [127.0.0.0/8]}, backends: [{upstream: app}]}\n"
    "  - {name: zero, matches: [{path: {prefix: /zero}}], backends: [{upstream: app, weight: 0}]}\n";

enum class Leaving { kReset, kShortBody, kClosing };

struct Answered {
  const char* method;
  const char* path;
  int status;
  const char* reason;  // the sample that counts it; empty: it is no error
};

const Answered kAnswered[] = {
    {"POST", "/direct", 200, ""},
    {"POST", "/empty", 200, ""},
    {"POST", "/none", 503, "headgate_proxy_errors_total{route=\"none\",reason=\"no_endpoint\"}"},
    {"POST", "/size", 413, "headgate_proxy_errors_total{route=\"size\",reason=\"body_too_large\"}"},
    {"POST", "/deny", 403, "headgate_proxy_errors_total{route=\"deny\",reason=\"forbidden\"}"},
    {"POST", "/zero", 500, "headgate_proxy_errors_total{route=\"zero\",reason=\"no_backends\"}"},
    {"POST", "/nowhere", 404, "headgate_proxy_errors_total{route=\"_none\",reason=\"no_route\"}"},
    {"TRACE", "/direct", 405, "headgate_requests_rejected_total{reason=\"method_not_allowed\"}"},
};

// The sum of all that says that something went wrong.
double Failures(ProxyUnderTest& proxy) {
  double sum = 0;
  const std::string scrape = proxy.Scrape();
  for (size_t at = 0; at < scrape.size(); at = scrape.find('\n', at) + 1) {
    const std::string line = scrape.substr(at, scrape.find('\n', at) - at);
    const bool counted =
        line.starts_with("headgate_proxy_errors_total{") || line.starts_with("headgate_requests_rejected_total{");
    if (counted) sum += std::stod(line.substr(line.rfind(' ')));
  }
  return sum;
}

class OwnAnswer : public ::testing::TestWithParam<Leaving> {};

TEST_P(OwnAnswer, KeepsItsReasonHoweverTheClientEnds) {
  for (const Answered& expected : kAnswered) {
    SCOPED_TRACE(std::string(expected.method) + " " + expected.path);
    ProxyUnderTest proxy(kAnswers);
    {
      H2Peer client(proxy.port());
      const size_t request = client.Ask(expected.method, expected.path, {{"content-length", "1000"}}, false);
      client.Send(request, "body", false);
      ASSERT_TRUE(client.Until([&] { return client.answer(request).status == expected.status; }));
      const bool bodiless = std::string_view(expected.path) == "/empty";
      ASSERT_TRUE(client.Until([&] { return bodiless || !client.answer(request).body.empty(); }));
      if (GetParam() == Leaving::kReset) client.Reset(request);
      if (GetParam() == Leaving::kShortBody) client.Send(request, "y", true);
    }
    const std::string reason = expected.reason;
    if (!reason.empty()) {
      EXPECT_EQ(proxy.WaitMetric(reason, 1), 1);
    }
    EXPECT_EQ(proxy.WaitMetric("headgate_connections{listener=\"web\",state=\"active\"}", 0), 0);
    EXPECT_EQ(Failures(proxy), reason.empty() ? 0 : 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Http2, OwnAnswer, ::testing::Values(Leaving::kReset, Leaving::kShortBody, Leaving::kClosing));

}  // namespace
}  // namespace headgate::integration
