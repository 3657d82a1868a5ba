// A WebSocket's handshake is tried again as any GET is, for clients of both protocols.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crypto/crypto.h"
#include "tests/integration/h2_peer.h"
#include "tests/integration/proxy_under_test.h"
#include "tests/integration/raw_upstream.h"

namespace headgate::integration {
namespace {

using ::testing::StartsWith;

constexpr const char* kHandshake =
    "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

// Accepts the handshake and echoes four bytes.
void Echo(SocketPeer& peer, const std::string& head) {
  const size_t at = head.find("sec-websocket-key: ") + 19;
  peer.Send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
            base::WebSocketAccept(head.substr(at, head.find("\r\n", at) - at)) + "\r\n\r\n");
  peer.Send(peer.ReadBytes(4));
  peer.WaitClosed();
}

class WebSocketRetry : public ::testing::TestWithParam<bool> {
 protected:
  static std::string Config(const std::string& endpoints) {
    return "listeners: [{name: web, address: \"127.0.0.1:0\", protocols: [h2, http/1.1]}]\nupstreams:\n  app: "
           "{endpoints: [" +
           endpoints + "]}\nroutes:\n  - {name: all, retry: {on: [connectFailure, reset, \"503\"], backoff: 1ms}, " +
           "backends: [{upstream: app}]}\n";
  }
  static std::string Quoted(const std::string& address) { return '"' + address + '"'; }
  // What came back of four bytes that were sent with the handshake.
  static std::string EchoOf(ProxyUnderTest& proxy) {
    if (GetParam()) {
      H2Peer client(proxy.port());
      const size_t request = client.Ask("GET", "/chat", {{"sec-websocket-version", "13"}}, false, true);
      client.Send(request, "ping", false);
      client.Until([&] { return client.answer(request).body.size() == 4 || client.answer(request).status > 200; });
      return client.answer(request).body;
    }
    SocketPeer client = proxy.Connect();
    client.Send(std::string(kHandshake) + "ping");
    EXPECT_THAT(client.ReadHead(), StartsWith("HTTP/1.1 101 "));
    return client.ReadBytes(4);
  }
};

INSTANTIATE_TEST_SUITE_P(OverHttp2, WebSocketRetry, ::testing::Bool());

TEST_P(WebSocketRetry, AnEndpointThatRefusesIsLeftForAnother) {
  RawUpstream good([](SocketPeer& peer, int) { Echo(peer, peer.ReadHead()); });
  RawUpstream gone(RawUpstream::Answering(""));
  gone.StopListening();
  ProxyUnderTest proxy(Config(Quoted(gone.address()) + ", " + Quoted(good.address())));
  for (int i = 0; i < 4; ++i) ASSERT_EQ(EchoOf(proxy), "ping") << i;
  EXPECT_GE(proxy.Metric("headgate_upstream_connects_total{upstream=\"app\",result=\"refused\"}"), 1);
}

TEST_P(WebSocketRetry, AConnectionThatWasKeptAndDiedCostsNoHandshake) {
  RawUpstream upstream([](SocketPeer& peer, int connection) {
    const std::string head = peer.ReadHead();
    if (connection > 0) return Echo(peer, head);
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    peer.ReadHead();
  });
  ProxyUnderTest proxy(Config(Quoted(upstream.address())));
  SocketPeer client = proxy.Connect();
  client.Send(kGet);
  client.ReadResponse();
  EXPECT_EQ(EchoOf(proxy), "ping");
  EXPECT_EQ(upstream.connections(), 2);
}

TEST_P(WebSocketRetry, AStatusThatThePolicyNamesIsTriedAgain) {
  RawUpstream upstream([](SocketPeer& peer, int connection) {
    const std::string head = peer.ReadHead();
    if (connection > 0) return Echo(peer, head);
    peer.Send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
  ProxyUnderTest proxy(Config(Quoted(upstream.address())));
  EXPECT_EQ(EchoOf(proxy), "ping");
}

}  // namespace
}  // namespace headgate::integration
