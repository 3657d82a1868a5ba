// Requests that come back to the process that forwarded them, directly or by way of another proxy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/proxy_under_test.h"
#include "tests/integration/raw_upstream.h"

namespace headgate::integration {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string LeadingTo(const std::string& address, std::string_view upstream_options = "") {
  return "listeners: [{name: web, address: \"127.0.0.1:0\", protocols: [http/1.1, h2]}]\n"
         "upstreams: {app: {endpoints: [\"" +
         address + "\"]" + std::string(upstream_options) +
         "}}\n"
         "routes: [{name: all, backends: [{upstream: app}]}]\n";
}

// A proxy whose only upstream is its own listener.
class Loop : public ::testing::TestWithParam<const char*> {
 protected:
  Loop() : proxy_(LeadingTo("127.0.0.1:9")) {
    proxy_.Publish(LeadingTo("127.0.0.1:" + std::to_string(proxy_.port()), GetParam()));
  }
  ProxyUnderTest proxy_;
};

constexpr const char* kActive = "headgate_requests_active{route=\"all\"}";
constexpr const char* kLoops = "headgate_requests_rejected_total{reason=\"loop\"}";

TEST_P(Loop, IsAnsweredAtTheFirstReturnAndNothingIsLeft) {
  const std::string answer = proxy_.Ask(kGet);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 508 Loop Detected\r\n"));
  EXPECT_THAT(answer, HasSubstr("the request came back"));
  EXPECT_EQ(proxy_.WaitMetric(kLoops, 1), 1);
  EXPECT_EQ(proxy_.WaitMetric(kActive, 0), 0);
  EXPECT_THAT(proxy_.Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"), StartsWith("HTTP/1.1 508 "));
  EXPECT_THAT(proxy_.Ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"),
              Not(StartsWith("HTTP/1.1 101 ")));
  EXPECT_EQ(proxy_.WaitMetric(kLoops, 3), 3);
  EXPECT_EQ(proxy_.WaitMetric(kActive, 0), 0);
}

INSTANTIATE_TEST_SUITE_P(EachProtocol, Loop, ::testing::Values("", ", protocol: h2c"));

TEST(LoopThroughOthers, IsSeenWhereTheOthersKeepTheField) {
  ProxyUnderTest outer(LeadingTo("127.0.0.1:9"));
  ProxyUnderTest inner(LeadingTo("127.0.0.1:" + std::to_string(outer.port())));
  outer.Publish(LeadingTo("127.0.0.1:" + std::to_string(inner.port())));
  EXPECT_THAT(outer.Ask(kGet), StartsWith("HTTP/1.1 508 "));
  EXPECT_EQ(outer.WaitMetric(kLoops, 1), 1);
  EXPECT_EQ(inner.Metric(kLoops), 0) << "another process's mark is no loop";
}

TEST(LoopThroughOthers, AChainEndsAtItsUpstreamWithTheMarksOfAll) {
  RawUpstream* self = nullptr;
  RawUpstream upstream([&self](SocketPeer& peer, int) {
    self->Remember(peer.ReadHead());
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  self = &upstream;
  ProxyUnderTest inner(OneUpstream(upstream.address(), "    requestHeaders: {remove: [cdn-loop]}\n"));
  ProxyUnderTest middle(LeadingTo("127.0.0.1:" + std::to_string(inner.port())));
  ProxyUnderTest outer(LeadingTo("127.0.0.1:" + std::to_string(middle.port())));
  EXPECT_THAT(outer.Ask("GET / HTTP/1.1\r\nHost: a\r\nCDN-Loop: front.example; v=1\r\nCDN_Loop: x\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
  ASSERT_EQ(upstream.seen().size(), 1U);
  EXPECT_THAT(upstream.seen()[0], testing::ContainsRegex("\r\ncdn-loop: headgate-[0-9a-f]{16}\r\n"))
      << "what the route removes, but for the mark of this process";
  EXPECT_THAT(upstream.seen()[0], Not(HasSubstr("cdn_loop")));
}

TEST(LoopThroughOthers, NeitherConnectionNorManyMarksHideOne) {
  RawUpstream upstream(RawUpstream::Answering("ok"));
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  EXPECT_THAT(proxy.Ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: cdn-loop\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  std::string marks = "a";
  for (int i = 0; i < 40; ++i) marks += ", a";
  EXPECT_THAT(proxy.Ask("GET / HTTP/1.1\r\nHost: a\r\nCDN-Loop: " + marks + "\r\n\r\n"), StartsWith("HTTP/1.1 508 "));
  EXPECT_THAT(proxy.Ask("GET / HTTP/1.1\r\nHost: a\r\nCDN-Loop: headgate-0123456789abcdef\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace headgate::integration
