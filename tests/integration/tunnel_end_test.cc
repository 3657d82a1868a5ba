// Every order in which a tunnel's two sides end, and what is left afterwards: nothing.
#include <dirent.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/crypto/crypto.h"
#include "tests/integration/h2_peer.h"
#include "tests/integration/hand_turned_worker.h"
#include "tests/integration/proxy_under_test.h"
#include "tests/integration/raw_upstream.h"

namespace headgate::integration {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kOpening =
    "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
constexpr std::string_view kOpened =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

enum class TunnelEnding : uint8_t { kFin, kClose, kReset };
enum class First : uint8_t { kClient, kUpstream };
enum class Words : uint8_t { kNone, kLast };        // bytes right before the end
enum class Between : uint8_t { kTurns, kNothing };  // whether the worker sees the one end before the other

size_t OpenDescriptors() {
  size_t open = 0;
  DIR* directory = ::opendir("/proc/self/fd");
  while (::readdir(directory) != nullptr) ++open;
  ::closedir(directory);
  return open;
}

using TunnelCase = std::tuple<First, TunnelEnding, TunnelEnding, Words, Between>;

std::string NameOf(const ::testing::TestParamInfo<TunnelCase>& info) {
  constexpr const char* kEnds[] = {"Fin", "Close", "Reset"};
  const auto& [first, one, other, words, between] = info.param;
  return std::string(first == First::kClient ? "Client" : "Upstream") + kEnds[static_cast<int>(one)] + "Then" +
         kEnds[static_cast<int>(other)] + (words == Words::kLast ? "WithLastWords" : "") +
         (between == Between::kNothing ? "AtOnce" : "");
}

class Tunnel : public HandTurnedWorker {
 protected:
  void Turns() {
    for (int i = 0; i < 10; ++i) Turn(milliseconds(1));
  }
  void OpenTunnel() {
    char bytes[4096];
    ASSERT_GT(::send(client_, kOpening.data(), kOpening.size(), MSG_NOSIGNAL), 0);
    TurnUntilReadable(upstream_listener_);
    upstream_ = ::accept(upstream_listener_, nullptr, nullptr);
    TurnUntilReadable(upstream_);
    ASSERT_GT(::recv(upstream_, bytes, sizeof(bytes), MSG_DONTWAIT), 0);
    ASSERT_GT(::send(upstream_, kOpened.data(), kOpened.size(), MSG_NOSIGNAL), 0);
    TurnUntilReadable(client_);
    const ssize_t got = ::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT);
    ASSERT_GT(got, 12);
    ASSERT_EQ(std::string_view(bytes, 12), "HTTP/1.1 101");
  }
  void Finish(int& descriptor, TunnelEnding end, Words words) {
    if (descriptor < 0) return;
    if (words == Words::kLast) ::send(descriptor, "last words", 10, MSG_NOSIGNAL);
    if (end == TunnelEnding::kFin) {
      ::shutdown(descriptor, SHUT_WR);
      return;
    }
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    if (end == TunnelEnding::kReset) ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    ::close(descriptor);
    descriptor = -1;
  }
  // "<end>" or "<reset>" behind what has come.
  static std::string Received(int descriptor) {
    std::string text;
    char bytes[4096];
    for (;;) {
      const ssize_t got = ::recv(descriptor, bytes, sizeof(bytes), MSG_DONTWAIT);
      if (got == 0) return text + "<end>";
      if (got < 0) return errno == EAGAIN ? text : text + "<reset>";
      text.append(bytes, static_cast<size_t>(got));
    }
  }
  bool Exports(std::string_view sample) { return registry_.Scrape(false).find(sample) != std::string::npos; }
};

class TunnelEnd : public Tunnel, public ::testing::WithParamInterface<TunnelCase> {};
INSTANTIATE_TEST_SUITE_P(
    Orders, TunnelEnd,
    ::testing::Combine(::testing::Values(First::kClient, First::kUpstream),
                       ::testing::Values(TunnelEnding::kFin, TunnelEnding::kClose, TunnelEnding::kReset),
                       ::testing::Values(TunnelEnding::kFin, TunnelEnding::kClose, TunnelEnding::kReset),
                       ::testing::Values(Words::kNone, Words::kLast),
                       ::testing::Values(Between::kTurns, Between::kNothing)),
    NameOf);

TEST_P(TunnelEnd, LeavesNothing) {
  const auto& [first, one, other, words, between] = GetParam();
  Turns();
  const size_t before = OpenDescriptors() - 2;  // the client's own, and the worker's of it
  ASSERT_NO_FATAL_FAILURE(OpenTunnel());
  EXPECT_EQ(process_.connections.taken(), 1U);
  const bool client_first = first == First::kClient;
  Finish(client_first ? client_ : upstream_, one, words);
  if (between == Between::kTurns) Turns();
  Finish(client_first ? upstream_ : client_, other, words);
  Turns();
  const bool whole = one != TunnelEnding::kReset && other != TunnelEnding::kReset;
  const int reader = client_first ? upstream_ : client_;
  if (whole && reader >= 0) {
    EXPECT_EQ(Received(reader), words == Words::kLast ? "last words<end>" : "<end>");
  }
  EXPECT_EQ(process_.connections.taken(), 0U);
  EXPECT_TRUE(Exports("headgate_connections{listener=\"web\",state=\"active\"} 0\n"));
  EXPECT_TRUE(Exports("headgate_connections{listener=\"web\",state=\"idle\"} 0\n"));
  EXPECT_TRUE(Exports("headgate_upstream_connections{upstream=\"app\",state=\"active\"} 0\n"));
  EXPECT_TRUE(Exports("headgate_tunnels_active{route=\"all\"} 0\n"));
  if (client_ >= 0) ::close(std::exchange(client_, -1));
  if (upstream_ >= 0) ::close(std::exchange(upstream_, -1));
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(Tunnel, EndsWhenItsUpstreamIsGoneThoughTheClientGoesOnSending) {
  ASSERT_NO_FATAL_FAILURE(OpenTunnel());
  Finish(upstream_, TunnelEnding::kClose, Words::kNone);
  Turns();
  EXPECT_EQ(Received(client_), "<end>");
  ::send(client_, "more", 4, MSG_NOSIGNAL);
  Turns();
  EXPECT_TRUE(Exports("headgate_tunnels_active{route=\"all\"} 0\n"));
  clock_.Advance(std::chrono::seconds(3));
  Turns();
  EXPECT_EQ(process_.connections.taken(), 0U);
}

TEST_F(Tunnel, EndsWhenItsClientResetsBehindAHalfClose) {
  ASSERT_NO_FATAL_FAILURE(OpenTunnel());
  Finish(client_, TunnelEnding::kFin, Words::kNone);
  Turns();
  EXPECT_EQ(Received(upstream_), "<end>");
  Finish(client_, TunnelEnding::kReset, Words::kNone);
  Turns();
  EXPECT_EQ(process_.connections.taken(), 0U);
  EXPECT_TRUE(Exports("headgate_upstream_connections{upstream=\"app\",state=\"active\"} 0\n"));
}

constexpr const char* kWebOverHttp2 =
    "listeners: [{name: web, address: \"127.0.0.1:0\", protocols: [h2]}]\n"
    "routes: [{name: all, backends: [{upstream: app}]}]\nupstreams:\n  app: {endpoints: [\"";

void AcceptTunnel(SocketPeer& peer) {
  const std::string head = peer.ReadHead();
  const size_t at = head.find("sec-websocket-key: ") + 19;
  peer.Send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
            base::WebSocketAccept(head.substr(at, head.find("\r\n", at) - at)) + "\r\n\r\n");
}

TEST(TunnelOfAStream, EndsWhenItsUpstreamIsGoneThoughTheClientGoesOnSending) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    AcceptTunnel(peer);
    peer.Close();
  });
  ProxyUnderTest proxy(kWebOverHttp2 + upstream.address() + "\"]}\n");
  H2Peer client(proxy.port());
  const size_t tunnel = client.Ask("GET", "/", {{"sec-websocket-version", "13"}}, false, true);
  ASSERT_TRUE(client.Until([&] { return client.answer(tunnel).complete; }));
  client.Send(tunnel, "more", false);
  EXPECT_TRUE(client.Until([&] { return proxy.Metric("headgate_tunnels_active{route=\"all\"}") == 0; }, 5000));
  EXPECT_TRUE(client.Until([&] { return proxy.Metric("headgate_streams_active{listener=\"web\"}") == 0; }, 5000));
}

enum class StreamEnding : uint8_t { kEnd, kReset, kConnection };
using StreamCase = std::tuple<First, StreamEnding, bool>;  // whether the upstream resets

class TunnelOverHttp2 : public ::testing::TestWithParam<StreamCase> {};
INSTANTIATE_TEST_SUITE_P(Orders, TunnelOverHttp2,
                         ::testing::Combine(::testing::Values(First::kClient, First::kUpstream),
                                            ::testing::Values(StreamEnding::kEnd, StreamEnding::kReset,
                                                              StreamEnding::kConnection),
                                            ::testing::Bool()));

TEST_P(TunnelOverHttp2, LeavesNothing) {
  const auto& [first, ending, reset] = GetParam();
  RawUpstream upstream([&](SocketPeer& peer, int) {
    AcceptTunnel(peer);
    if (first == First::kClient) peer.WaitClosed();
    if (reset) return peer.Reset();
    peer.ShutdownWrite();
    peer.WaitClosed();
  });
  ProxyUnderTest proxy(kWebOverHttp2 + upstream.address() + "\"]}\n");
  auto client = std::make_unique<H2Peer>(proxy.port());
  const size_t tunnel = client->Ask("GET", "/", {{"sec-websocket-version", "13"}}, false, true);
  const auto over = [&] { return client->answer(tunnel).complete || client->answer(tunnel).reset; };
  ASSERT_TRUE(client->Until([&] { return client->answer(tunnel).status != 0 || over(); }));
  if (first == First::kUpstream) {
    ASSERT_TRUE(client->Until(over));
  }
  if (ending == StreamEnding::kEnd) client->Send(tunnel, "", true);
  if (ending == StreamEnding::kReset) client->Reset(tunnel);
  if (ending == StreamEnding::kConnection) {
    client.reset();
  } else if (first == First::kClient && ending == StreamEnding::kEnd) {
    ASSERT_TRUE(client->Until(over));
  }
  EXPECT_EQ(proxy.WaitMetric("headgate_tunnels_active{route=\"all\"}", 0), 0);
  EXPECT_EQ(proxy.WaitMetric("headgate_upstream_connections{upstream=\"app\",state=\"active\"}", 0), 0);
  client.reset();
  EXPECT_EQ(proxy.WaitMetric("headgate_connections{listener=\"web\",state=\"idle\"}", 0), 0);
  EXPECT_EQ(proxy.WaitMetric("headgate_connections{listener=\"web\",state=\"active\"}", 0), 0);
}

}  // namespace
}  // namespace headgate::integration
