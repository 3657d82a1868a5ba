// Bodies and tunnels: bounded memory, both directions at once, 100-continue, trailers, WebSocket, deadlines of a
// client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/integration/proxy_under_test.h"
#include "tests/integration/raw_upstream.h"

namespace headgate::integration {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Stream, ASlowReaderStopsTheUpstreamAndNotTheMemory) {
  std::atomic<size_t> sent{0};
  constexpr size_t kWhole = 64 << 20U;
  RawUpstream upstream([&sent](SocketPeer& peer, int) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kWhole) + "\r\n\r\n");
    const std::string piece(1 << 16U, 'x');
    while (sent < kWhole && peer.Send(piece)) sent += piece.size();
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = SocketPeer::Connect(proxy.port(), 4096);
  client.Send(kGet);
  client.ReadHead();
  size_t before = 0;
  do {
    before = sent;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  } while (before != sent);
  // Socket buffers of the kernel on three hops take some megabytes, the proxy itself 64 KiB.
  EXPECT_LT(sent, kWhole / 2);
  EXPECT_EQ(client.ReadBytes(kWhole).size(), kWhole);
}

TEST(Stream, AnUploadWaitsForASlowUpstream) {
  std::atomic<bool> go{false};
  constexpr size_t kWhole = 64 << 20U;
  RawUpstream upstream([&go](SocketPeer& peer, int) {
    peer.ReadHead();
    while (!go) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const size_t got = peer.ReadBytes(kWhole).size();
    const std::string text = std::to_string(got);
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text);
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  std::atomic<size_t> sent{0};
  std::thread writer([&client, &sent] {
    client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(kWhole) + "\r\n\r\n");
    const std::string piece(1 << 16U, 'x');
    while (sent < kWhole && client.Send(piece)) sent += piece.size();
  });
  size_t before = 0;
  do {
    before = sent;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  } while (before != sent);
  EXPECT_LT(sent, kWhole / 2);
  go = true;
  EXPECT_THAT(client.ReadResponse(), HasSubstr(std::to_string(kWhole)));
  writer.join();
}

TEST(Stream, ContinueComesFromTheUpstream) {
  RawUpstream* self = nullptr;
  RawUpstream upstream([&self](SocketPeer& peer, int) {
    self->Remember(peer.ReadHead());
    peer.Send("HTTP/1.1 100 Continue\r\n\r\n");
    const std::string body = peer.ReadBytes(5);
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body);
    peer.ReadHead();
  });
  self = &upstream;
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_THAT(client.ReadHead(), StartsWith("HTTP/1.1 100 Continue\r\n"));
  client.Send("hello");
  EXPECT_THAT(client.ReadResponse(), HasSubstr("\r\n\r\nhello"));
  EXPECT_THAT(upstream.seen()[0], HasSubstr("expect: 100-continue\r\n"));
}

TEST(Stream, ContinueIsOursAfterASecondWithoutOne) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    peer.ReadHead();
    const std::string body = peer.ReadBytes(5);
    peer.Send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body);
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_THAT(client.ReadHead(), StartsWith("HTTP/1.1 100 Continue\r\n"));
  client.Send("hello");
  EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(Stream, OurOwnAnswerToWhoWaitsForA100ClosesTheConnection) {
  ProxyUnderTest proxy(
      "listeners: [{name: web, address: \"127.0.0.1:0\"}]\nroutes:\n  - {name: r, respond: {status: 200, body: hi}}\n");
  SocketPeer client = proxy.Connect();
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n");
  EXPECT_THAT(client.ReadResponse(), HasSubstr("connection: close\r\n"));
  EXPECT_TRUE(client.WaitClosed());
}

TEST(Stream, OtherInterimResponsesAreForwarded) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    peer.ReadHead();
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  client.Send(kGet);
  const std::string hints = client.ReadHead();
  EXPECT_THAT(hints, StartsWith("HTTP/1.1 103 "));
  EXPECT_THAT(hints, HasSubstr("link: </a.css>\r\n"));
  EXPECT_THAT(client.ReadHead(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(Stream, TrailersGoToWhoAskedForThem) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    while (!peer.ReadHead().empty()) {
      peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n");
    }
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer asked = proxy.Connect();
  asked.Send("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
  EXPECT_THAT(asked.ReadUntil("x-sum: 7\r\n\r\n"), HasSubstr("2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n"));
  SocketPeer other = proxy.Connect();
  other.Send(kGet);
  EXPECT_THAT(other.ReadResponse(), Not(HasSubstr("x-sum")));
}

TEST(Stream, WhatConnectionNamesIsNoTrailerEither) {
  RawUpstream* self = nullptr;
  RawUpstream upstream([&self](SocketPeer& peer, int) {
    self->Remember(peer.ReadUntil("x-sum: 1\r\n\r\n"));
    peer.Send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: x-hop\r\n\r\n0\r\nX-Hop: 1\r\nX-Sum: 7\r\n\r\n");
    peer.WaitClosed();
  });
  self = &upstream;
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  client.Send(
      "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE, X-Hop\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2\r\nok\r\n0\r\nX-Hop: 1\r\nX-Sum: 1\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("x-sum: 7\r\n\r\n"), EndsWith("\r\n\r\n0\r\nx-sum: 7\r\n\r\n"));
  EXPECT_THAT(upstream.seen()[0], EndsWith("2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n"));
}

TEST(Stream, TrailersOfTheLargestSizeFitBehindAnyHead) {
  std::string trailers;
  for (int i = 10; i < 42; ++i) trailers += "x" + std::to_string(i) + ":" + std::string(253, 'v') + "\r\n";
  RawUpstream upstream([&](SocketPeer& peer, int) {
    for (std::string head = peer.ReadHead(); !head.empty(); head = peer.ReadHead()) {
      const size_t bytes = std::stoul(head.substr(5));
      peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: " + std::string(bytes, 'h') +
                "\r\n\r\n2\r\nok\r\n0\r\n" + trailers + "\r\n");
    }
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  for (int bytes = 7700; bytes < 8300; bytes += 40) {
    SocketPeer client = proxy.Connect();
    client.Send("GET /" + std::to_string(bytes) + " HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
    client.ReadHead();
    EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("x41: vvv")) << "behind a head of " << bytes;
  }
}

TEST(Stream, AnEmptyBodyWithoutALengthEndsLikeAnyOther) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    while (!peer.ReadHead().empty()) {
      peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 7\r\n\r\n");
      peer.ReadHead();
      peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    }
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  client.Send(kGet);
  EXPECT_THAT(client.ReadResponse(), EndsWith("\r\n\r\n0\r\n\r\n"));  // nobody asked for its trailers
  client.Send(kGet);
  EXPECT_THAT(client.ReadResponse(), HasSubstr("content-length: 0\r\n"));
  client.Send("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("x-sum: 7\r\n\r\n"), EndsWith("\r\n\r\n0\r\nx-sum: 7\r\n\r\n"));
  client.Send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(client.ReadHead(), HasSubstr("content-length: 0\r\n"));
}

TEST(Stream, AnOldClientGetsABodyThatEndsWithTheConnection) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    peer.ReadHead();
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  client.Send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  const std::string response = client.ReadAll();
  EXPECT_THAT(response, HasSubstr("\r\n\r\nhello"));
  EXPECT_THAT(response, Not(HasSubstr("chunked")));
  EXPECT_TRUE(client.closed());
  EXPECT_FALSE(client.was_reset());
}

TEST(Stream, ABodyUntilCloseBecomesChunked) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end");
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  for (int i = 0; i < 2; ++i) {
    client.Send(kGet);
    const std::string response = client.ReadResponse();
    EXPECT_THAT(response, HasSubstr("transfer-encoding: chunked\r\n"));
    EXPECT_THAT(response, HasSubstr("until the end"));
  }
}

constexpr const char* kUpgrade =
    "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

RawUpstream::Script EchoingTunnel() {
  return [](SocketPeer& peer, int) {
    if (peer.ReadHead().find("upgrade: websocket") == std::string::npos) return;
    peer.Send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nwelcome");
    for (std::string bytes = peer.ReadBytes(4); !bytes.empty(); bytes = peer.ReadBytes(4)) peer.Send(bytes);
  };
}

TEST(Stream, AWebSocketIsATunnelBothWays) {
  RawUpstream upstream(EchoingTunnel());
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  client.Send(kUpgrade);
  const std::string head = client.ReadHead();
  EXPECT_THAT(head, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_THAT(head, HasSubstr("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT_EQ(client.ReadBytes(7), "welcome");
  EXPECT_EQ(proxy.WaitMetric("headgate_tunnels_active{route=\"all\"}", 1), 1);
  for (int i = 0; i < 10; ++i) {
    client.Send("ping");
    ASSERT_EQ(client.ReadBytes(4), "ping");
  }
  client.ShutdownWrite();
  EXPECT_EQ(client.ReadAll(), "");
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(proxy.WaitMetric("headgate_tunnels_active{route=\"all\"}", 0), 0);
}

TEST(Stream, ATunnelCarriesMoreThanItsCredit) {
  constexpr size_t kWhole = 4 << 20U;
  RawUpstream upstream([](SocketPeer& peer, int) {
    peer.ReadHead();
    peer.Send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    peer.Send(peer.ReadBytes(kWhole));
    peer.WaitClosed();
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  client.Send(kUpgrade);
  client.ReadHead();
  const std::string sent(kWhole, 'x');
  std::thread writer([&client, &sent] { client.Send(sent); });
  EXPECT_EQ(client.ReadBytes(kWhole).size(), kWhole);
  writer.join();
}

TEST(Stream, ATunnelOutlivesItsRoute) {
  RawUpstream upstream(EchoingTunnel());
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  client.Send(kUpgrade);
  client.ReadHead();
  EXPECT_EQ(client.ReadBytes(7), "welcome");
  proxy.Publish("listeners: [{name: web, address: \"127.0.0.1:0\", publicPort: 80}]\n");
  for (int i = 0; i < 300 && proxy.server().generations_alive() > 1; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(proxy.server().generations_alive(), 1U);
  client.Send("ping");
  EXPECT_EQ(client.ReadBytes(4), "ping");
}

TEST(Stream, ARouteMayRefuseWebSockets) {
  RawUpstream upstream(EchoingTunnel());
  ProxyUnderTest proxy(OneUpstream(upstream.address(), "    websocket: false\n"));
  EXPECT_THAT(proxy.Ask(kUpgrade), StartsWith("HTTP/1.1 403 "));
  EXPECT_EQ(upstream.connections(), 0);
}

TEST(Stream, AHeadThatDoesNotEndIs408) {
  ProxyUnderTest proxy(OneUpstream("127.0.0.1:9", "", "limits: {headTimeout: 200ms}\n"));
  SocketPeer client = proxy.Connect();
  client.Send("GET / HTTP/1.1\r\nHost: a\r\nX-");
  EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(client.WaitClosed());
  EXPECT_EQ(proxy.WaitMetric("headgate_requests_rejected_total{reason=\"slow_client\"}", 1), 1);
}

TEST(Stream, ABodyWithoutProgressIs408) {
  RawUpstream upstream([](SocketPeer& peer, int) { peer.WaitClosed(); });
  ProxyUnderTest proxy(OneUpstream(upstream.address(), "", "limits: {bodyIdle: 200ms}\n"));
  SocketPeer client = proxy.Connect();
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome");
  EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(client.WaitClosed());
}

TEST(Stream, AnIdleConnectionIsClosedAfterKeepAlive) {
  ProxyUnderTest proxy(OneUpstream("127.0.0.1:9", "", "limits: {keepAlive: 200ms}\n"));
  SocketPeer client = proxy.Connect();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(client.WaitClosed());
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(190));
}

TEST(Stream, ABodyAboveTheLimitIs413WhateverItsFraming) {
  RawUpstream upstream([](SocketPeer& peer, int) { peer.WaitClosed(); });
  ProxyUnderTest proxy(OneUpstream(upstream.address(), "    maxBodySize: 10\n"));
  EXPECT_THAT(proxy.Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n01234567890"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(upstream.connections(), 0);
  EXPECT_THAT(
      proxy.Ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n"),
      StartsWith("HTTP/1.1 413 "));
}

TEST(Stream, WhatComesBehindABodyAboveTheLimitDoesNotResetTheAnswer) {
  RawUpstream upstream([](SocketPeer& peer, int) { peer.WaitClosed(); });
  ProxyUnderTest proxy(OneUpstream(upstream.address(), "    maxBodySize: 10\n"));
  for (int i = 0; i < 20; ++i) {
    SocketPeer client = proxy.Connect();
    client.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int piece = 0; piece < 30; ++piece) {
      ASSERT_TRUE(client.Send("1000\r\n" + std::string(0x1000, 'x') + "\r\n")) << piece;
    }
    ASSERT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 413 ")) << i;
    client.ShutdownWrite();
    ASSERT_TRUE(client.WaitClosed());
    ASSERT_FALSE(client.was_reset());
  }
}

TEST(Stream, ABodyThatNobodyWantsIsDrainedAndTheConnectionLives) {
  ProxyUnderTest proxy(
      "listeners: [{name: web, address: \"127.0.0.1:0\"}]\nroutes:\n  - {name: r, respond: {status: 200, body: hi}}\n");
  SocketPeer client = proxy.Connect();
  for (int i = 0; i < 3; ++i) {
    client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
    ASSERT_THAT(client.ReadResponse(), HasSubstr("\r\n\r\nhi")) << i;
  }
}

TEST(Stream, AnEarlyAnswerKeepsTheConnectionOrSaysThatItWillNot) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    const std::string head = peer.ReadHead();
    peer.Send(head.find(" /full ") != std::string::npos ? "HTTP/1.1 507 Full\r\nContent-Length: 2\r\n\r\nno"
                                                        : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    peer.ReadAll();
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  for (int i = 0; i < 3; ++i) {
    client.Send("POST /taken HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
    EXPECT_THAT(client.ReadResponse(), AllOf(StartsWith("HTTP/1.1 200 "), Not(HasSubstr("connection: close")))) << i;
    ASSERT_TRUE(client.Send(std::string(500'000, 'x'))) << i;
  }
  client.Send("POST /full HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
  EXPECT_THAT(client.ReadResponse(), AllOf(StartsWith("HTTP/1.1 507 "), HasSubstr("connection: close\r\n")));
}

TEST(Stream, AnIdleStreamEndsVisibly) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    peer.WaitClosed();
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address(), "    timeouts: {idle: 300ms}\n"));
  SocketPeer client = proxy.Connect();
  client.Send(kGet);
  const std::string response = client.ReadAll();
  EXPECT_THAT(response, HasSubstr("3\r\none\r\n"));
  EXPECT_THAT(response, Not(HasSubstr("0\r\n\r\n")));
}

}  // namespace
}  // namespace headgate::integration
