// WebSockets to upstreams of both protocols (RFC 8441, RFC 6455), for clients of both.
#include <gtest/gtest.h>

#include "base/crypto/crypto.h"
#include "tests/proxy/upstream/h2_fixture.h"

namespace headgate::proxy {
namespace {

using base::ErrorCode;

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

std::unique_ptr<TestRequest> Upgrade(std::unique_ptr<TestRequest> request, bool with_key) {
  request->upgrade = true;
  request->head.wants_websocket = true;
  request->head.version = with_key ? http::Version::kHttp11 : http::Version::kHttp2;
  if (with_key) {
    request->head.headers.Add(http::HeaderId::kSecWebSocketKey, kKey);
    request->head.headers.Add(http::HeaderId::kSecWebSocketVersion, "13");
  }
  return request;
}

class H2WebSocketTest : public H2Fixture {};

TEST_F(H2WebSocketTest, AnHttp2UpstreamIsAskedByExtendedConnectAndItsOkIsA101) {
  const auto request = Upgrade(Request(), true);
  ASSERT_TRUE(Arrives(*request));
  EXPECT_TRUE(h2->streams[0]->head.wants_websocket);
  EXPECT_FALSE(h2->streams[0]->ended);
  EXPECT_EQ(h2->streams[0]->Field("sec-websocket-key"), "");
  EXPECT_EQ(h2->streams[0]->Field("sec-websocket-version"), "13");
  h2->Head(0, 200, false);
  ASSERT_TRUE(Both(*h2, [&] { return request->status != 0; }));
  EXPECT_EQ(request->status, 101);
  EXPECT_EQ(request->first_header, "sec-websocket-accept: " + std::string(kAccept));
  request->SendBody("ping", false);
  ASSERT_TRUE(Both(*h2, [&] { return h2->streams[0]->body == "ping"; }));
  h2->Body(0, "pong", false);
  ASSERT_TRUE(Both(*h2, [&] { return request->body == "pong"; }));
  request->SendBody({}, true);
  ASSERT_TRUE(Both(*h2, [&] { return h2->streams[0]->ended; }));
  h2->Body(0, "bye", true);
  ASSERT_TRUE(Both(*h2, [&] { return request->over(); }));
  EXPECT_TRUE(request->ended);
  EXPECT_EQ(request->body, "pongbye");
  Serve();
  EXPECT_EQ(shared->connections.taken(), 1u);
}

TEST_F(H2WebSocketTest, ATunnelThatIsReleasedWithItsEndGivenEndsWithoutAReset) {
  const auto request = Upgrade(Request(), true);
  ASSERT_TRUE(Arrives(*request));
  h2->Head(0, 200, false);
  request->auto_release = false;
  h2->Body(0, "bye", true);
  ASSERT_TRUE(Both(*h2, [&] { return request->ended; }));
  request->SendBody({}, true);
  request->Release();
  ASSERT_TRUE(Both(*h2, [&] { return h2->streams[0]->gone; }));
  EXPECT_TRUE(h2->streams[0]->ended);
  EXPECT_FALSE(h2->streams[0]->reset_by_peer());
}

TEST_F(H2WebSocketTest, AClientOfHttp2GetsNoAccept) {
  const auto request = Upgrade(Request(), false);
  ASSERT_TRUE(Arrives(*request));
  h2->Head(0, 200, false, "sec-websocket-protocol", "chat");
  ASSERT_TRUE(Both(*h2, [&] { return request->status == 101; }));
  EXPECT_EQ(request->first_header, "sec-websocket-protocol: chat");
}

TEST_F(H2WebSocketTest, ARefusedUpgradeIsAnOrdinaryResponse) {
  const auto request = Upgrade(Request(), true);
  ASSERT_TRUE(Arrives(*request));
  h2->Head(0, 403, false);
  h2->Body(0, "no", true);
  ASSERT_TRUE(Both(*h2, [&] { return request->over(); }));
  EXPECT_EQ(request->status, 403);
  EXPECT_EQ(request->body, "no");
}

TEST_F(H2WebSocketTest, AnUpstreamWithoutExtendedConnectIsAProtocolError) {
  const auto request = Upgrade(Request(), true);
  request->Begin();
  worker.Settle();
  const auto plain = server.Accept();
  worker.Settle();
  EXPECT_FALSE(request->over());
  plain->Send(std::string_view("\0\0\0\4\0\0\0\0\0", 9));  // SETTINGS without an entry
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamProtocol);
  EXPECT_STREQ(request->error->detail, "the upstream does not know extended CONNECT (RFC 8441)");
  EXPECT_FALSE(request->attempt.any_byte_sent);
}

TEST_F(H2WebSocketTest, NoByteGoesUpstreamBeforeTheUpgradeIsGranted) {
  const auto request = Upgrade(Request(), true);
  ASSERT_TRUE(Arrives(*request));
  request->SendBody("early", false);
  Settle(*h2);
  EXPECT_EQ(h2->streams[0]->body, "");
}

class H1WebSocketTest : public UpstreamFixture {
 protected:
  // The head of an upgrade without a key, as an HTTP/1.1 upstream sees it.
  void Begin() {
    request = Upgrade(Request(), false);
    request->Begin();
    ASSERT_TRUE(worker.Until([&] { return request->stream != nullptr; }));
    peer = server.Accept();
    head = peer->ReceiveUntil("\r\n\r\n");
  }
  std::string KeyOf(const std::string& text) {
    const std::string_view name = "sec-websocket-key: ";
    const size_t at = text.find(name);
    return at == std::string::npos ? std::string() : text.substr(at + name.size(), 24);
  }
  std::unique_ptr<TestRequest> request;
  std::string head;
};

TEST_F(H1WebSocketTest, AKeyIsMadeForAClientOfHttp2AndItsAnswerChecked) {
  Begin();
  EXPECT_TRUE(head.starts_with("GET / HTTP/1.1\r\n"));
  EXPECT_NE(head.find("upgrade: websocket\r\n"), std::string::npos);
  EXPECT_NE(head.find("sec-websocket-version: 13\r\n"), std::string::npos);
  EXPECT_EQ(head.find("\r\n\r\n"), head.size() - 4);
  const std::string key = KeyOf(head);
  EXPECT_EQ(key.size(), 24u);  // 16 bytes
  EXPECT_TRUE(key.ends_with("=="));
  peer->Send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
             base::WebSocketAccept(key) + "\r\nSec-WebSocket-Protocol: chat\r\n\r\nhello");
  ASSERT_TRUE(worker.Until([&] { return request->body == "hello"; }));
  EXPECT_EQ(request->status, 101);
  EXPECT_EQ(request->first_header, "sec-websocket-protocol: chat");
  request->SendBody("raw", false);
  EXPECT_EQ(peer->Receive(3), "raw");
}

TEST_F(H1WebSocketTest, EachKeyIsAnother) {
  Begin();
  const std::string first = KeyOf(head);
  Begin();
  EXPECT_NE(KeyOf(head), first);
}

TEST_F(H1WebSocketTest, AWrongAcceptIsAProtocolError) {
  Begin();
  peer->Send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
             std::string(kAccept) + "\r\n\r\n");
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamProtocol);
  EXPECT_STREQ(request->error->detail, "a 101 with a wrong sec-websocket-accept");
  EXPECT_EQ(request->status, 0);
}

TEST_F(H1WebSocketTest, AClientsOwnKeyIsPassedOnAndItsAcceptIsTheClientsMatter) {
  request = Upgrade(Request(), true);
  request->Begin();
  ASSERT_TRUE(worker.Until([&] { return request->stream != nullptr; }));
  peer = server.Accept();
  head = peer->ReceiveUntil("\r\n\r\n");
  EXPECT_EQ(KeyOf(head), kKey);
  EXPECT_EQ(head.find("sec-websocket-key", head.find("sec-websocket-key") + 1), std::string::npos);
  peer->Send(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
      "x\r\n\r\n");
  ASSERT_TRUE(worker.Until([&] { return request->status == 101; }));
  EXPECT_EQ(request->first_header, "sec-websocket-accept: x");
}

}  // namespace
}  // namespace headgate::proxy
