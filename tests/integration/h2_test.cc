// A client's HTTP/2 connection in front of HTTP/1.1 upstreams: what RFC 9113 and docs/configuration.md promise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/crypto/crypto.h"
#include "tests/integration/h2_peer.h"
#include "tests/integration/proxy_under_test.h"
#include "tests/integration/raw_upstream.h"

namespace headgate::integration {
namespace {

using http::h2::H2Error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Config(const std::string& upstream, const std::string& more = "") {
  return "listeners:\n  - {name: web, address: \"127.0.0.1:0\", protocols: [h2, http/1.1]}\n" + more +
         "upstreams:\n  app: {endpoints: [\"" + upstream + "\"]}\n" +
         "routes:\n"
         "  - {name: direct, matches: [{path: {prefix: /direct}}], respond: {status: 200, body: \"ours\"}}\n"
         "  - {name: all, matches: [{path: {prefix: /}}], backends: [{upstream: app}]}\n";
}

TEST(Http2, ARequestReachesAnHttp1UpstreamAndItsAnswerComesBack) {
  RawUpstream* self = nullptr;
  RawUpstream upstream([&self](SocketPeer& peer, int) {
    self->Remember(peer.ReadHead());
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-App: a\r\n\r\nhello");
    peer.ReadHead();
  });
  self = &upstream;
  ProxyUnderTest proxy(Config(upstream.address()));
  H2Peer client(proxy.port());
  const H2Answer& answer = client.Wait(client.Ask("GET", "/path?query=1", {{"x-one", "1"}, {"cookie", "a=b"}}));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.header("x-app"), "a");
  EXPECT_EQ(answer.header("content-length"), "5");
  EXPECT_NE(answer.header("date"), "");
  ASSERT_EQ(upstream.seen().size(), 1U);
  EXPECT_THAT(upstream.seen()[0], StartsWith("GET /path?query=1 HTTP/1.1\r\nhost: a\r\n"));
  EXPECT_THAT(upstream.seen()[0], HasSubstr("x-one: 1\r\n"));
  EXPECT_THAT(upstream.seen()[0], HasSubstr("cookie: a=b\r\n"));
  EXPECT_THAT(upstream.seen()[0], HasSubstr("x-forwarded-proto: http\r\n"));
}

TEST(Http2, AnAnswerOfOurOwnNeedsNoUpstream) {
  ProxyUnderTest proxy(Config("127.0.0.1:1"));
  H2Peer client(proxy.port());
  const H2Answer& answer = client.Wait(client.Ask("GET", "/direct"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "ours");
  EXPECT_TRUE(answer.complete);
  const H2Answer& head = client.Wait(client.Ask("HEAD", "/direct"));
  EXPECT_EQ(head.header("content-length"), "4");
  EXPECT_EQ(head.body, "");
}

TEST(Http2, TheSameListenerTakesHttp1) {
  ProxyUnderTest proxy(Config("127.0.0.1:1"));
  EXPECT_THAT(proxy.Ask("GET /direct HTTP/1.1\r\nHost: a\r\n\r\n"), HasSubstr("ours"));
  EXPECT_THAT(proxy.Ask("PRI /direct HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 "));
}

TEST(Http2, RequestsOfOneConnectionRunSideBySide) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    const std::string head = peer.ReadHead();
    if (head.find("GET /slow") == 0) std::this_thread::sleep_for(std::chrono::milliseconds(500));
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  });
  ProxyUnderTest proxy(Config(upstream.address()));
  H2Peer client(proxy.port());
  const size_t slow = client.Ask("GET", "/slow");
  const size_t fast = client.Ask("GET", "/fast");
  EXPECT_TRUE(client.Wait(fast).complete);
  EXPECT_FALSE(client.answer(slow).complete);
  EXPECT_TRUE(client.Wait(slow).complete);
}

TEST(Http2, BodiesOfAnyLengthGoUpAndDown) {
  constexpr size_t kWhole = 8 << 20U;
  RawUpstream upstream([](SocketPeer& peer, int) {
    const std::string head = peer.ReadHead();
    EXPECT_THAT(head, HasSubstr("content-length: " + std::to_string(kWhole)));
    const std::string body = peer.ReadBytes(kWhole);
    peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < body.size(); at += 1U << 20U)
      peer.Send("100000\r\n" + body.substr(at, 1U << 20U) + "\r\n");
    peer.Send("0\r\n\r\n");
    peer.ReadHead();
  });
  ProxyUnderTest proxy(Config(upstream.address()));
  H2Peer client(proxy.port());
  std::string body(kWhole, 'x');
  for (size_t i = 0; i < body.size(); i += 997) body[i] = static_cast<char>('a' + i % 26);
  const size_t request = client.Ask("POST", "/", {{"content-length", std::to_string(kWhole)}}, false);
  client.Send(request, body, true);
  const H2Answer& answer = client.Wait(request, 30'000);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.body, body);
}

TEST(Http2, ABodyWithoutALengthIsChunkedForAnHttp1Upstream) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    const std::string head = peer.ReadHead();
    EXPECT_THAT(head, HasSubstr("transfer-encoding: chunked"));
    const std::string body = peer.ReadUntil("0\r\n\r\n");
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  });
  ProxyUnderTest proxy(Config(upstream.address()));
  H2Peer client(proxy.port());
  const size_t request = client.Ask("POST", "/", {}, false);
  client.Send(request, "hello", true);
  EXPECT_EQ(client.Wait(request).body, "5\r\nhello\r\n0\r\n\r\n");
}

TEST(Http2, AStreamThatIsNotReadStopsNoOther) {
  constexpr size_t kWhole = 4 << 20U;
  RawUpstream upstream([](SocketPeer& peer, int) {
    const std::string head = peer.ReadHead();
    const size_t size = head.find("GET /big") == 0 ? kWhole : 5;
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'x'));
    peer.ReadHead();
  });
  ProxyUnderTest proxy(Config(upstream.address()));
  H2Peer client(proxy.port());
  const size_t big = client.Ask("GET", "/big");
  client.SetReading(big, false);
  ASSERT_TRUE(client.Until([&] { return client.answer(big).status == 200; }));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.Wait(client.Ask("GET", "/small")).body, "xxxxx");
  EXPECT_FALSE(client.answer(big).complete);
  client.SetReading(big, true);
  EXPECT_EQ(client.Wait(big, 30'000).body.size(), kWhole);
}

TEST(Http2, InterimResponsesAndTrailersPass) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    peer.Send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n");
  });
  ProxyUnderTest proxy(Config(upstream.address()));
  H2Peer client(proxy.port());
  const H2Answer& answer = client.Wait(client.Ask("GET", "/"));
  EXPECT_THAT(answer.interim, ElementsAre(103));
  EXPECT_EQ(answer.body, "ok");
  ASSERT_EQ(answer.trailers.count("x-sum"), 1U);
  EXPECT_EQ(answer.trailers.find("x-sum")->second, "7");
}

TEST(Http2, AResetReachesTheUpstreamAtOnce) {
  std::atomic<bool> gone{false};
  std::atomic<bool> began{false};
  RawUpstream upstream([&](SocketPeer& peer, int) {
    peer.ReadHead();
    began = true;
    gone = peer.WaitClosed();
  });
  ProxyUnderTest proxy(Config(upstream.address()));
  H2Peer client(proxy.port());
  const size_t request = client.Ask("GET", "/");
  ASSERT_TRUE(client.Until([&] { return began.load(); }));
  const auto start = std::chrono::steady_clock::now();
  client.Reset(request);
  ASSERT_TRUE(client.Until([&] { return gone.load(); }));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(100));
  EXPECT_EQ(client.Wait(client.Ask("GET", "/direct")).body, "ours");
}

TEST(Http2, AResponseCutShortIsAResetAndNeverACleanEnd) {
  std::atomic<bool> go{false};
  RawUpstream upstream([&go](SocketPeer& peer, int) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    while (!go) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  ProxyUnderTest proxy(Config(upstream.address()));
  H2Peer client(proxy.port());
  const size_t request = client.Ask("GET", "/");
  ASSERT_TRUE(client.Until([&] { return client.answer(request).body == "half"; }));
  go = true;
  const H2Answer& answer = client.Wait(request);
  EXPECT_TRUE(answer.reset);
  EXPECT_EQ(answer.reset_code, H2Error::kInternalError);
  EXPECT_EQ(client.Wait(client.Ask("GET", "/direct")).body, "ours");
}

TEST(Http2, NoRouteAndNoUpstreamAreAnswered) {
  RawUpstream upstream(RawUpstream::Answering("x"));
  upstream.StopListening();
  ProxyUnderTest proxy(Config(upstream.address()));
  H2Peer client(proxy.port());
  const H2Answer& answer = client.Wait(client.Ask("GET", "/"));
  EXPECT_EQ(answer.status, 502);
  EXPECT_TRUE(answer.complete);
}

TEST(Http2, HeadsOverTheLimitsAreAnsweredAndTheConnectionLives) {
  ProxyUnderTest proxy(Config("127.0.0.1:1"));
  H2Peer client(proxy.port());
  EXPECT_EQ(client.Wait(client.Ask("GET", "/direct", {{"x", std::string(17'000, 'a')}})).status, 431);
  H2Peer::Headers many;
  for (int i = 0; i < 101; ++i) many.emplace_back("x-" + std::to_string(i), "v");
  EXPECT_EQ(client.Wait(client.Ask("GET", "/direct", many)).status, 431);
  EXPECT_EQ(client.Wait(client.Ask("GET", "/direct/" + std::string(9'000, 'a'))).status, 414);
  EXPECT_EQ(client.Wait(client.Ask("GET", "/direct")).status, 200);
  EXPECT_FALSE(client.closed());
}

TEST(Http2, AMalformedRequestIsAResetThatTheMetricsCount) {
  RawUpstream upstream(RawUpstream::Answering("x"));
  ProxyUnderTest proxy(Config(upstream.address()));
  H2Peer client(proxy.port());
  const H2Answer& answer = client.Wait(client.Ask("GET", "/", {{"connection", "keep-alive"}}));
  EXPECT_TRUE(answer.reset);
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.reset_code, H2Error::kProtocolError);
  EXPECT_EQ(upstream.connections(), 0);
  EXPECT_EQ(proxy.WaitMetric("headgate_requests_rejected_total{reason=\"bad_request\"}", 1), 1);
  EXPECT_EQ(client.Wait(client.Ask("GET", "/direct")).status, 200);
}

TEST(Http2, ABodyThatDiffersFromItsLengthIsAResetAndTheUpstreamRequestAborted) {
  std::atomic<bool> began{false};
  std::atomic<bool> cut{false};
  RawUpstream upstream([&](SocketPeer& peer, int) {
    peer.ReadHead();
    began = true;
    cut = peer.ReadBytes(10, 2000).size() < 10;
  });
  ProxyUnderTest proxy(Config(upstream.address()));
  H2Peer client(proxy.port());
  const size_t less = client.Ask("POST", "/", {{"content-length", "10"}}, false);
  ASSERT_TRUE(client.Until([&] { return began.load(); }));
  client.Send(less, "half", true);
  EXPECT_EQ(client.Wait(less).reset_code, H2Error::kProtocolError);
  ASSERT_TRUE(client.Until([&] { return cut.load(); }));
}

TEST(Http2, AnAnswerOfOurOwnWaitsForTheBodyAndEndsWithNoError) {
  ProxyUnderTest proxy(Config("127.0.0.1:1"));
  H2Peer client(proxy.port());
  const size_t sent = client.Ask("POST", "/direct", {}, false);
  client.Send(sent, "body", true);
  EXPECT_TRUE(client.Wait(sent).complete);
  EXPECT_EQ(client.answer(sent).body, "ours");
  const size_t endless = client.Ask("POST", "/direct", {}, false);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(client.Wait(endless).complete);
  EXPECT_GT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(800));
  EXPECT_EQ(client.answer(endless).body, "ours");
  const size_t large = client.Ask("POST", "/direct", {}, false);
  client.Send(large, std::string(200'000, 'x'), false);
  EXPECT_TRUE(client.Wait(large, 900).complete);
}

TEST(Http2, MoreStreamsThanAllowedAreRefused) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    peer.ReadHead();
    peer.WaitClosed();
  });
  ProxyUnderTest proxy(Config(upstream.address(), "limits: {h2Streams: 2}\n"));
  H2Peer client(proxy.port());
  client.Ask("GET", "/");
  client.Ask("GET", "/");
  ASSERT_TRUE(client.Until([&] { return upstream.connections() == 2; }));
  ASSERT_TRUE(client.Until([&] { return client.session().settings_received(); }));
  EXPECT_EQ(client.session().peer_streams_max(), 2U);
}

TEST(Http2, AReloadKeepsTheConnectionAndItsNextRequestSeesTheNewConfiguration) {
  ProxyUnderTest proxy(Config("127.0.0.1:1"));
  H2Peer client(proxy.port());
  EXPECT_EQ(client.Wait(client.Ask("GET", "/direct")).body, "ours");
  std::string changed = Config("127.0.0.1:1");
  changed.replace(changed.find("\"ours\""), 6, "\"new\"");
  proxy.Publish(changed);
  EXPECT_EQ(client.Wait(client.Ask("GET", "/direct")).body, "new");
  EXPECT_FALSE(client.session().goaway_received());
}

TEST(Http2, AListenerThatLeavesSaysGoawayAndFinishesWhatItHas) {
  std::atomic<bool> go{false};
  RawUpstream upstream([&](SocketPeer& peer, int) {
    peer.ReadHead();
    while (!go) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
  });
  const std::string web = "  - {name: web, address: \"127.0.0.1:0\", protocols: [h2]}\n";
  const std::string config = Config(upstream.address());
  std::string two = config;
  two.replace(two.find("name: web"), 9, "name: stays").insert(two.find("upstreams:"), web);
  ProxyUnderTest proxy(two);
  H2Peer client(proxy.port());
  const size_t late = client.Ask("GET", "/");
  ASSERT_TRUE(client.Until([&] { return upstream.connections() == 1; }));
  std::string one = config;
  proxy.Publish(one.replace(one.find("name: web"), 9, "name: stays"));
  ASSERT_TRUE(client.Until([&] { return client.session().goaway_received(); }));
  go = true;
  EXPECT_EQ(client.Wait(late).body, "late");
  EXPECT_TRUE(client.Until([&] { return client.closed(); }));
}

TEST(Http2, AnUpstreamThatSpeaksItIsReachedFromBothProtocolsWithinTheLimitOfItsHead) {
  ProxyUnderTest inner(
      "listeners:\n  - {name: web, address: \"127.0.0.1:0\", protocols: [h2]}\nroutes:\n"
      "  - {name: long, matches: [{path: {prefix: /long}}], respond: {status: 200, body: \"long\", headers: {x-long: "
      "\"" +
      std::string(3000, 'x') + "\"}}}\n  - {name: all, respond: {status: 200, body: \"inner\"}}\n");
  const std::string upstream = "127.0.0.1:" + std::to_string(inner.port());
  std::string config = Config(upstream, "limits: {upstreamHead: 2KiB}\n");
  config.replace(config.find("app: {"), 6, "app: {protocol: h2c, ");
  ProxyUnderTest proxy(config);
  H2Peer client(proxy.port());
  EXPECT_EQ(client.Wait(client.Ask("GET", "/")).body, "inner");
  EXPECT_THAT(proxy.Ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), HasSubstr("inner"));
  EXPECT_EQ(client.Wait(client.Ask("GET", "/long")).status, 502);
  config.replace(config.find("2KiB"), 4, "8KiB");
  proxy.Publish(config);
  EXPECT_EQ(client.Wait(client.Ask("GET", "/long")).body, "long");
}

TEST(Http2, AWebSocketReachesAnHttp1Upstream) {
  RawUpstream* self = nullptr;
  RawUpstream upstream([&self](SocketPeer& peer, int) {
    const std::string head = peer.ReadHead();
    self->Remember(head);
    const size_t at = head.find("sec-websocket-key: ") + 19;
    const std::string key = head.substr(at, head.find("\r\n", at) - at);
    peer.Send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
        base::WebSocketAccept(key) + "\r\n\r\n");
    const std::string text = peer.ReadBytes(5);
    peer.Send("echo " + text);
    peer.WaitClosed();
  });
  self = &upstream;
  ProxyUnderTest proxy(Config(upstream.address()));
  H2Peer client(proxy.port());
  const size_t request = client.Ask("GET", "/chat", {{"sec-websocket-version", "13"}}, false, true);
  ASSERT_TRUE(client.Until([&] { return client.answer(request).status == 200; }));
  client.Send(request, "hello", false);
  EXPECT_TRUE(client.Until([&] { return client.answer(request).body == "echo hello"; }));
  EXPECT_THAT(upstream.seen()[0], HasSubstr("upgrade: websocket\r\n"));
  client.Send(request, "", true);
  EXPECT_TRUE(client.Wait(request).complete || client.answer(request).reset);
}

TEST(Http2, ARequestThatNeverBeganLeavesNothingBehind) {
  ProxyUnderTest proxy(Config("127.0.0.1:1"));
  H2Peer client(proxy.port());
  client.Cork();
  client.Reset(client.Ask("GET", "/direct", {{"host", "a"}, {"x-left", "behind"}}));
  client.Uncork();
  client.session().SubmitPing();
  ASSERT_TRUE(client.Until([&] { return client.session().ping_acknowledged(); }));
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(proxy.Ask("GET /direct HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n"), HasSubstr("ours"));
  }
}

TEST(Http2, ARapidResetReachesTheUpstreamAHundredTimesAtMost) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    peer.ReadHead();
    peer.WaitClosed();
  });
  ProxyUnderTest proxy(Config(upstream.address()));
  H2Peer client(proxy.port());
  for (int i = 0; i < 2'000 && !client.session().goaway_received() && !client.closed(); ++i) {
    client.Reset(client.Ask("GET", "/"));
    client.Until([] { return true; });
  }
  EXPECT_TRUE(client.Until([&] { return client.session().goaway_received() || client.closed(); }));
  EXPECT_LE(upstream.connections(), 100);
  EXPECT_EQ(proxy.WaitMetric("headgate_requests_rejected_total{reason=\"h2_reset_flood\"}", 1), 1);
}

}  // namespace
}  // namespace headgate::integration
