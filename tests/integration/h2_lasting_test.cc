// What an HTTP/2 connection owes those who stay on it: credit, limits as announced, a GOAWAY in time, an end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/crypto/crypto.h"
#include "tests/http/h2/frames.h"
#include "tests/integration/h2_peer.h"
#include "tests/integration/proxy_under_test.h"
#include "tests/integration/raw_upstream.h"

namespace headgate::integration {
namespace {

using http::h2::H2Error;
using ::testing::HasSubstr;

constexpr const char* kWeb = "  - {name: web, address: \"127.0.0.1:0\", protocols: [h2, http/1.1]}\n";
constexpr const char* kStays = "  - {name: stays, address: \"127.0.0.1:0\"}\n";

std::string TwoUpstreams(const std::string& stalled, const std::string& quick, const std::string& limits) {
  return std::string("listeners:\n") + kStays + kWeb + limits + "upstreams:\n  stalled: {endpoints: [\"" + stalled +
         "\"], connections: {max: 1}}\n  quick: {endpoints: [\"" + quick +
         "\"]}\nroutes:\n"
         "  - {name: quick, matches: [{path: {prefix: /quick}}], backends: [{upstream: quick}]}\n"
         "  - {name: all, backends: [{upstream: stalled}]}\n";
}

std::string Without(std::string config, std::string_view listener) {
  config.erase(config.find(listener), listener.size());
  return config;
}

RawUpstream::Script Stalling() {
  return [](SocketPeer& peer, int) {
    peer.ReadHead();
    peer.WaitClosed();
  };
}

// Answers when it has read the body.
RawUpstream::Script Reading() {
  return [](SocketPeer& peer, int) {
    for (std::string head = peer.ReadHead(); head.find("\r\n\r\n") != std::string::npos; head = peer.ReadHead()) {
      if (head.find("transfer-encoding: chunked") != std::string::npos) peer.ReadUntil("\r\n0\r\n\r\n");
      peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
  };
}

// Uploads that nobody reads, until they hold all of the connection's share.
std::vector<size_t> HoldTheShare(H2Peer& client, const RawUpstream& stalled) {
  client.Ask("GET", "/stays-open");
  EXPECT_TRUE(client.Until([&] { return stalled.connections() == 1; }));
  std::vector<size_t> uploads;
  for (int i = 0; i < 40; ++i) {
    uploads.push_back(client.Ask("POST", "/upload", {}, false));
    client.Send(uploads.back(), std::string(64 * 1024, 'x'), false);
  }
  client.Until([] { return false; }, 200);
  return uploads;
}

TEST(Http2Lasting, CancelledUploadsGiveTheConnectionsCreditBack) {
  RawUpstream stalled(Stalling());
  RawUpstream quick(Reading());
  ProxyUnderTest proxy(
      TwoUpstreams(stalled.address(), quick.address(), "limits: {h2Connection: 1MiB, streamBuffer: 16KiB}\n"));
  H2Peer client(proxy.port());
  const std::vector<size_t> uploads = HoldTheShare(client, stalled);
  const size_t starved = client.Ask("POST", "/quick", {}, false);
  client.Send(starved, std::string(1000, 'x'), true);
  EXPECT_EQ(client.Wait(starved, 300).status, 0);
  for (const size_t upload : uploads) client.Reset(upload);
  EXPECT_EQ(client.Wait(starved, 3000).status, 200);
  EXPECT_EQ(client.Wait(client.Ask("GET", "/quick"), 3000).status, 200);
}

TEST(Http2Lasting, WhoeverWaitsForTheConnectionsCreditIsNotTooSlow) {
  RawUpstream stalled(Stalling());
  RawUpstream quick(Reading());
  ProxyUnderTest proxy(TwoUpstreams(stalled.address(), quick.address(),
                                    "limits: {h2Connection: 1MiB, streamBuffer: 16KiB, bodyIdle: 300ms}\n"));
  H2Peer client(proxy.port());
  const std::vector<size_t> uploads = HoldTheShare(client, stalled);
  const size_t patient = client.Ask("POST", "/quick", {}, false);
  client.Send(patient, std::string(1000, 'x'), true);
  EXPECT_EQ(client.Wait(patient, 1000).status, 0) << "not 408";
  for (const size_t upload : uploads) client.Reset(upload);
  EXPECT_EQ(client.Wait(patient, 3000).status, 200);
}

// A response that found the share taken when it could have gone on is not forgotten.
TEST(Http2Lasting, EveryDownloadGoesOnWhenTheConnectionHoldsLess) {
  const std::string body(300'000, 'x');
  RawUpstream quick([&body](SocketPeer& peer, int) {
    while (peer.ReadHead().find("\r\n\r\n") != std::string::npos) {
      peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + body);
    }
  });
  ProxyUnderTest proxy(TwoUpstreams("127.0.0.1:1", quick.address(), "limits: {h2Connection: 64KiB}\n"));
  H2Peer client(proxy.port());
  for (int round = 0; round < 10; ++round) {
    std::vector<size_t> downloads;
    for (int i = 0; i < 8; ++i) downloads.push_back(client.Ask("GET", "/quick"));
    for (const size_t download : downloads) {
      ASSERT_EQ(client.Wait(download).body.size(), body.size()) << "round " << round;
    }
  }
}

TEST(Http2Lasting, ALimitOfStreamsIsTheOneThatWasAnnounced) {
  RawUpstream stalled(Stalling());
  ProxyUnderTest proxy(TwoUpstreams(stalled.address(), "127.0.0.1:1", "limits: {h2Streams: 20}\n"));
  H2Peer client(proxy.port());
  client.Ask("GET", "/");
  ASSERT_TRUE(client.Until([&] { return stalled.connections() == 1; }));
  proxy.Publish(TwoUpstreams(stalled.address(), "127.0.0.1:1", "limits: {h2Streams: 2}\n"));
  std::vector<size_t> requests;
  for (int i = 0; i < 19; ++i) requests.push_back(client.Ask("GET", "/"));
  client.Until([] { return false; }, 200);
  for (const size_t request : requests) EXPECT_FALSE(client.answer(request).reset);
  H2Peer later(proxy.port());
  later.Ask("GET", "/");
  ASSERT_TRUE(later.Until([&] { return later.session().settings_received(); }));
  EXPECT_EQ(later.session().peer_streams_max(), 2U);
}

TEST(Http2Lasting, ADrainIsToldAtOnce) {
  RawUpstream quick(Reading());
  ProxyUnderTest proxy(TwoUpstreams("127.0.0.1:1", quick.address(), ""));
  H2Peer client(proxy.port());
  EXPECT_EQ(client.Wait(client.Ask("GET", "/quick")).body, "ok");
  proxy.server().BeginDrain();
  ASSERT_TRUE(client.Until([&] { return client.session().goaway_received(); }, 500));
  EXPECT_TRUE(client.Until([&] { return client.closed(); }, 3000)) << "a second later, with the last GOAWAY";
  // Load balancers still send connections: they are served, and told with their first request.
  H2Peer late(proxy.port());
  EXPECT_EQ(late.Wait(late.Ask("GET", "/quick")).body, "ok");
  EXPECT_TRUE(late.Until([&] { return late.session().goaway_received(); }, 500));
}

TEST(Http2Lasting, AConnectionThatWasOnItsWayIsToldToo) {
  RawUpstream quick(Reading());
  const std::string config = TwoUpstreams("127.0.0.1:1", quick.address(), "");
  ProxyUnderTest proxy(config);
  H2Peer client(proxy.port("web"));  // says nothing yet
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  proxy.Publish(Without(config, kWeb));
  EXPECT_EQ(client.Wait(client.Ask("GET", "/quick")).body, "ok");
  EXPECT_TRUE(client.Until([&] { return client.session().goaway_received(); }, 500));
  EXPECT_TRUE(client.Until([&] { return client.closed(); }, 3000));
}

TEST(Http2Lasting, AHeadThatNeverEndsDoesNotOutliveItsTimeWhileLeaving) {
  const std::string config = TwoUpstreams("127.0.0.1:1", "127.0.0.1:1", "limits: {headTimeout: 1s}\n");
  ProxyUnderTest proxy(config);
  SocketPeer client = proxy.Connect();
  client.Send(http::h2::Preface());
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  proxy.Publish(Without(config, kWeb));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  // Its deadline comes after the second GOAWAY.
  client.Send(http::h2::Frame(http::h2::kHeaders, http::h2::kEndStream, 1, http::h2::Block(http::h2::GetFields())));
  const auto start = std::chrono::steady_clock::now();
  client.ReadAll(5000);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
}

TEST(Http2Lasting, ATunnelsLastBytesReachTheUpstreamThatEndedFirst) {
  constexpr size_t kBytes = 60'000;
  std::atomic<bool> half{false};
  std::atomic<bool> go{false};
  std::atomic<size_t> got{0};
  RawUpstream upstream([&](SocketPeer& peer, int) {
    const std::string head = peer.ReadHead();
    const size_t at = head.find("sec-websocket-key: ") + 19;
    const std::string key = head.substr(at, head.find("\r\n", at) - at);
    peer.Send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
        base::WebSocketAccept(key) + "\r\n\r\n");
    peer.ShutdownWrite();
    half = true;
    while (!go) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    got = peer.ReadAll(3000).size();
  });
  ProxyUnderTest proxy(TwoUpstreams(upstream.address(), "127.0.0.1:1", ""));
  H2Peer client(proxy.port());
  const size_t tunnel = client.Ask("GET", "/", {{"sec-websocket-version", "13"}}, false, true);
  ASSERT_TRUE(client.Until([&] { return client.answer(tunnel).complete && half; }));
  client.Send(tunnel, std::string(kBytes, 'x'), true);
  client.Until([] { return false; }, 200);
  go = true;
  EXPECT_TRUE(client.Until([&] { return got == kBytes; }, 3000)) << got;
}

}  // namespace
}  // namespace headgate::integration
