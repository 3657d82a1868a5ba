#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "proxy/net/transport.h"
#include "tests/proxy/net/tls_fixture.h"

namespace headgate::proxy::net {
namespace {

using ::testing::HasSubstr;

class TransportTlsTest : public TlsFixture {};

std::string Pattern(size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * 2654435761u >> 13);
  return text;
}

TEST_F(TransportTlsTest, WhatIsWrittenArrivesBothWays) {
  const auto server = Server();
  const auto client = Client();
  Pair pair(loop);
  ASSERT_TRUE(Shake(pair, *server, *client, "first.example"));
  pair.client.Send("question");
  ASSERT_TRUE(loop.Until([&] { return pair.server.received == "question"; }));
  pair.server.Send("answer");
  ASSERT_TRUE(loop.Until([&] { return pair.client.received == "answer"; }));
  EXPECT_TRUE(pair.server.transport.is_tls());
  EXPECT_EQ(pair.server.transport.tls_version(), "TLSv1.3");
  EXPECT_EQ(pair.server.transport.alpn(), "http/1.1");
  EXPECT_EQ(pair.client.transport.alpn(), "http/1.1");
  EXPECT_FALSE(pair.server.transport.tls_resumed());
}

TEST_F(TransportTlsTest, BytesBehindTheHandshakesLastMessageAreNotLost) {
  const auto server = Server();
  const auto client = Client();
  Pair pair(loop);
  pair.client.outgoing.Append(base::Slice::Unowned("at once"));  // leaves with the client's Finished
  ASSERT_TRUE(Shake(pair, *server, *client, "first.example"));
  ASSERT_TRUE(loop.Until([&] { return pair.server.received == "at once"; }));
}

TEST_F(TransportTlsTest, TheServerNameChoosesTheCertificate) {
  const auto server = Server();
  const auto client = Client();
  const struct {
    const char* name;
    int index;
  } rows[] = {{"first.example", 0}, {"a.wild.example", 1}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    Pair pair(loop);
    ASSERT_TRUE(Shake(pair, *server, *client, row.name)) << pair.client.transport.tls_error();
    EXPECT_EQ(pair.server.transport.certificate_index(), row.index);
    EXPECT_EQ(pair.server.transport.server_name(), row.name);
  }
}

TEST_F(TransportTlsTest, ANameInCapitalsIsTakenDownInLowerCase) {
  const auto server = Server();
  const auto client = Client();
  Pair pair(loop);
  ASSERT_TRUE(Shake(pair, *server, *client, "A.Wild.EXAMPLE")) << pair.client.transport.tls_error();
  EXPECT_EQ(pair.server.transport.server_name(), "a.wild.example");
  EXPECT_EQ(pair.server.transport.certificate_index(), 1);
}

// Which RFC 6066 3 forbids, but some clients send.
TEST_F(TransportTlsTest, ATrailingDotIsNoPartOfTheName) {
  const auto server = Server();
  const auto client = Client(false);
  Pair pair(loop);
  ASSERT_TRUE(Shake(pair, *server, *client, "a.wild.example."));
  EXPECT_EQ(pair.server.transport.server_name(), "a.wild.example");
  EXPECT_EQ(pair.server.transport.certificate_index(), 1);
}

TEST_F(TransportTlsTest, WithoutAServerNameTheFirstCertificateServes) {
  const auto server = Server();
  const auto client = Client();
  Pair pair(loop);
  ASSERT_TRUE(Shake(pair, *server, *client, "127.0.0.1")) << "an address is verified, but never sent as a name";
  EXPECT_EQ(pair.server.transport.server_name(), "");
  EXPECT_EQ(pair.server.transport.certificate_index(), 0);
}

TEST_F(TransportTlsTest, AnUnknownNameGetsTheFirstCertificate) {
  const auto server = Server();
  const auto client = Client(false);
  Pair pair(loop);
  ASSERT_TRUE(Shake(pair, *server, *client, "a.b.wild.example"));
  EXPECT_EQ(pair.server.transport.certificate_index(), 0);
  EXPECT_EQ(pair.server.transport.server_name(), "a.b.wild.example");
}

TEST_F(TransportTlsTest, AHandshakeOutlivesItsContext) {
  auto server = Server();
  auto client = Client();
  Pair pair(loop);
  pair.server.StartServerTls(*server);
  pair.client.StartClientTls(*client, "a.wild.example");
  server.reset();
  client.reset();
  ASSERT_TRUE(loop.Until([&] { return pair.client.shaken() && pair.server.shaken(); }));
  pair.client.Send("still there");
  ASSERT_TRUE(loop.Until([&] { return pair.server.received == "still there"; }));
}

TEST_F(TransportTlsTest, TenMebibytesPassBothWaysAtOnce) {
  const auto server = Server();
  const auto client = Client();
  Pair pair(loop);
  ASSERT_TRUE(Shake(pair, *server, *client, "first.example"));
  const std::string there = Pattern(10 << 20);
  const std::string back(there.rbegin(), there.rend());
  pair.server.by_span = true;
  pair.client.Send(there);
  EXPECT_EQ(pair.client.last_write, IoStatus::kBlocked);
  pair.server.Send(back);
  ASSERT_TRUE(loop.Until(
      [&] { return pair.client.received.size() == back.size() && pair.server.received.size() == there.size(); }));
  EXPECT_TRUE(pair.client.received == back);
  EXPECT_TRUE(pair.server.received == there);
}

TEST_F(TransportTlsTest, ABlockedRecordIsTakenUpAgainWhenTheChainHasGrown) {
  const auto server = Server();
  const auto client = Client();
  Pair pair(loop);
  ASSERT_TRUE(Shake(pair, *server, *client, "first.example"));
  pair.server.reading = false;
  std::string expected;
  std::vector<std::string> pieces;
  for (size_t i = 0; i < 6000; ++i) pieces.push_back(Pattern(1 + i * 37 % 2500));
  // Many small slices, appended while the socket is full and while it is not.
  for (const std::string& piece : pieces) {
    expected += piece;
    pair.client.Send(piece);
  }
  EXPECT_EQ(pair.client.last_write, IoStatus::kBlocked);
  pair.server.reading = true;
  pair.server.OnTransportReady();
  ASSERT_TRUE(loop.Until([&] { return pair.server.received.size() >= expected.size(); }));
  EXPECT_TRUE(pair.server.received == expected);
}

TEST_F(TransportTlsTest, ReadingLittleByLittleMissesNothing) {
  const auto server = Server();
  const auto client = Client();
  Pair pair(loop);
  ASSERT_TRUE(Shake(pair, *server, *client, "first.example"));
  const std::string text = Pattern(100'000);
  pair.server.read_bytes = 777;
  pair.client.Send(text);
  pair.client.transport.ShutdownWrite();
  ASSERT_TRUE(loop.Until([&] { return pair.server.over(); }));
  EXPECT_TRUE(pair.server.received == text);
  EXPECT_EQ(pair.server.end, IoStatus::kEof);
}

TEST_F(TransportTlsTest, SmallSlicesLeaveAsOneRecord) {
  const auto server = Server();
  const auto client = Client();
  Pair pair(loop);
  ASSERT_TRUE(Shake(pair, *server, *client, "first.example"));
  pair.server.Send("behind the tickets");
  ASSERT_TRUE(loop.Until([&] { return !pair.client.received.empty(); }));
  pair.client.reading = false;
  pair.server.outgoing.Append(base::Slice::Unowned("head"));
  pair.server.outgoing.Append(base::Slice::Unowned("body"));
  pair.server.OnTransportReady();
  // A record is 5 bytes of head, the content with its type and a tag of 16 (RFC 8446 5.2).
  char raw[64];
  ASSERT_TRUE(loop.Until([&] { return pair.client.transport.maybe_readable(); }));
  EXPECT_EQ(::recv(pair.client.transport.descriptor(), raw, sizeof(raw), MSG_PEEK), 5 + 8 + 1 + 16);
}

TEST_F(TransportTlsTest, AnEndWithoutCloseNotifyIsAFailure) {
  const auto server = Server();
  const auto client = Client();
  Pair pair(loop);
  ASSERT_TRUE(Shake(pair, *server, *client, "first.example"));
  pair.server.Send("half of");
  ::shutdown(pair.server.transport.descriptor(), SHUT_WR);
  ASSERT_TRUE(loop.Until([&] { return pair.client.over(); }));
  EXPECT_EQ(pair.client.received, "half of");
  EXPECT_EQ(pair.client.end, IoStatus::kFailed);
  EXPECT_THAT(std::string(pair.client.transport.tls_error()), HasSubstr("eof"));
}

TEST_F(TransportTlsTest, ACloseSendsCloseNotify) {
  const auto server = Server();
  const auto client = Client();
  Pair pair(loop);
  ASSERT_TRUE(Shake(pair, *server, *client, "first.example"));
  pair.server.transport.Close();
  ASSERT_TRUE(loop.Until([&] { return pair.client.over(); }));
  EXPECT_EQ(pair.client.end, IoStatus::kEof);
}

TEST_F(TransportTlsTest, AResetIsAFailure) {
  const auto server = Server();
  const auto client = Client();
  Pair pair(loop);
  ASSERT_TRUE(Shake(pair, *server, *client, "first.example"));
  loop.Settle();
  pair.server.transport.Close(true);
  ASSERT_TRUE(loop.Until([&] { return pair.client.over(); }));
  EXPECT_EQ(pair.client.end, IoStatus::kFailed);
  EXPECT_EQ(pair.client.transport.tls_error(), "the connection was reset");
}

TEST_F(TransportTlsTest, OurSideStaysOpenAfterThePeersCloseNotify) {
  const auto server = Server();
  const auto client = Client();
  Pair pair(loop);
  ASSERT_TRUE(Shake(pair, *server, *client, "first.example"));
  pair.client.Send("question");
  pair.client.transport.ShutdownWrite();
  ASSERT_TRUE(loop.Until([&] { return pair.server.over(); }));
  EXPECT_EQ(pair.server.end, IoStatus::kEof);
  pair.server.Send("answer");
  ASSERT_TRUE(loop.Until([&] { return pair.client.received == "answer"; }));
}

TEST_F(TransportTlsTest, PlainHttpOnATlsPortIsAFailureWithAReason) {
  const auto server = Server();
  Pair pair(loop);
  pair.server.StartServerTls(*server);
  pair.client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(loop.Until([&] { return pair.server.handshake != IoStatus::kBlocked; }));
  EXPECT_EQ(pair.server.handshake, IoStatus::kFailed);
  EXPECT_EQ(pair.server.transport.tls_error(), "http request");
  EXPECT_EQ(pair.server.transport.Handshake(), IoStatus::kFailed);
}

TEST_F(TransportTlsTest, AClientThatLeavesDuringTheHandshakeIsAFailureWithAReason) {
  const auto server = Server();
  Pair pair(loop);
  pair.server.StartServerTls(*server);
  pair.client.transport.Close();
  ASSERT_TRUE(loop.Until([&] { return pair.server.handshake != IoStatus::kBlocked; }));
  EXPECT_EQ(pair.server.handshake, IoStatus::kFailed);
  EXPECT_THAT(std::string(pair.server.transport.tls_error()), HasSubstr("eof"));
}

TEST_F(TransportTlsTest, RandomBytesDoNotPassAsAHandshake) {
  const auto server = Server();
  const std::string noise = Pattern(4096);
  for (size_t length : {1u, 5u, 43u, 512u, 4096u}) {
    Pair pair(loop);
    pair.server.StartServerTls(*server);
    const std::string head = std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + noise.substr(0, length);
    pair.client.Send(head);
    pair.client.transport.ShutdownWrite();
    ASSERT_TRUE(loop.Until([&] { return pair.server.handshake != IoStatus::kBlocked; }));
    EXPECT_EQ(pair.server.handshake, IoStatus::kFailed);
    EXPECT_NE(pair.server.transport.tls_error(), "");
  }
}

}  // namespace
}  // namespace headgate::proxy::net
