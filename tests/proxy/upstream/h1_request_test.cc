// What is sent to an upstream, when, and in how many writes; tunnels.
#include <gtest/gtest.h>

#include "tests/proxy/upstream/call_counter.h"
#include "tests/proxy/upstream/upstream_fixture.h"

namespace headgate::proxy {
namespace {

using base::ErrorCode;

class H1RequestTest : public UpstreamFixture {
 protected:
  // A request whose connection is there and to whom nothing was sent yet.
  std::unique_ptr<TestRequest> Connected(http::Body body, http::Method method = http::Method::kPost) {
    auto request = Request(method);
    request->head.body = body;
    request->has_body = body.kind != http::BodyKind::kNone;
    request->on_connected = [] {};
    request->Begin();
    EXPECT_TRUE(worker.Until([&] { return request->stream != nullptr; }));
    if (request->waited) peer = server.Accept();
    return request;
  }
  void Finish(TestRequest& request) {
    peer->Send(kOk);
    ASSERT_TRUE(worker.Until([&] { return request.over(); }));
    EXPECT_EQ(request.body, "ok");
  }
  static std::string BodyOf(const std::string& message) { return message.substr(message.find("\r\n\r\n") + 4); }
};

TEST_F(H1RequestTest, AGetLeavesAtOnceInOneWrite) {
  const auto request = Connected({}, http::Method::kGet);
  const SocketCalls before = SocketCallsSoFar();
  request->SendHead();
  EXPECT_EQ(SocketCallsSoFar().sends, before.sends + 1);
  const std::string message = peer->ReceiveUntil("\r\n\r\n");
  EXPECT_TRUE(message.starts_with("GET / HTTP/1.1\r\nhost: shop.example.com\r\n")) << message;
  Finish(*request);
}

TEST_F(H1RequestTest, HeadAndFirstBodyBytesLeaveInOneWrite) {
  const auto request = Connected({http::BodyKind::kLength, 5});
  const SocketCalls before = SocketCallsSoFar();
  request->SendHead();
  EXPECT_EQ(SocketCallsSoFar().sends, before.sends);
  request->SendBody("hello", true);
  EXPECT_EQ(SocketCallsSoFar().sends, before.sends + 1);
  EXPECT_EQ(BodyOf(peer->ReceiveUntil("hello")), "hello");
  Finish(*request);
  EXPECT_EQ(Gauge(metrics::ConnectionState::kIdle), 1);
}

TEST_F(H1RequestTest, AHeadWhoseBodyIsLateLeavesWithinTheTurn) {
  const auto request = Connected({http::BodyKind::kLength, 5});
  request->SendHead();
  worker.reactor.Turn(base::Duration::zero());
  EXPECT_NE(peer->ReceiveNow().find("content-length: 5\r\n\r\n"), std::string::npos);
  request->SendBody("hello", true);
  EXPECT_EQ(peer->Receive(5), "hello");
  Finish(*request);
}

TEST_F(H1RequestTest, ABodyOfLengthZeroEndsWithTheHeadAndTheConnectionIsKept) {
  const auto request = Connected({http::BodyKind::kLength, 0});
  request->SendHead();
  worker.reactor.Turn(base::Duration::zero());
  EXPECT_NE(peer->ReceiveNow().find("content-length: 0\r\n\r\n"), std::string::npos);
  Finish(*request);
  EXPECT_EQ(Gauge(metrics::ConnectionState::kIdle), 1);
}

TEST_F(H1RequestTest, AChunkedBodyIsFramedByUs) {
  const auto request = Connected({http::BodyKind::kChunked, 0});
  request->SendHead();
  request->SendBody("hello", false);
  request->SendBody(" there", false);
  request->SendBody("", true);
  const std::string message = peer->ReceiveUntil("0\r\n\r\n");
  EXPECT_NE(message.find("transfer-encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(BodyOf(message), "5\r\nhello\r\n6\r\n there\r\n0\r\n\r\n");
  Finish(*request);
  EXPECT_EQ(Gauge(metrics::ConnectionState::kIdle), 1);
}

TEST_F(H1RequestTest, TrailersEndAChunkedBody) {
  const auto request = Connected({http::BodyKind::kChunked, 0});
  request->SendHead();
  request->SendBody("hi", false);
  http::HeaderMap trailers(request->arena);
  trailers.Add(http::HeaderId::kOther, "x-sum", "9");
  request->stream->SendTrailers(trailers);
  EXPECT_EQ(BodyOf(peer->ReceiveUntil("x-sum: 9\r\n\r\n")), "2\r\nhi\r\n0\r\nx-sum: 9\r\n\r\n");
  Finish(*request);
}

TEST_F(H1RequestTest, ManyChunksStayWithinAFewSlabs) {
  const auto request = Connected({http::BodyKind::kChunked, 0});
  request->SendHead();
  std::string expected;
  std::string received;
  for (int i = 0; i < 3000; ++i) {
    request->SendBody("x", i == 2999);
    expected += "1\r\nx\r\n";
    received += peer->ReceiveNow();
    ASSERT_LE(worker.slabs.lent(), 6u);
  }
  if (!received.ends_with("0\r\n\r\n")) received += peer->ReceiveUntil("0\r\n\r\n");
  EXPECT_EQ(BodyOf(received), expected + "0\r\n\r\n");
  Finish(*request);
}

TEST_F(H1RequestTest, ALargeHeadIsSentWhole) {
  const std::string value(30'000, 'v');
  const auto request = Connected({}, http::Method::kGet);
  request->head.headers.Add(http::HeaderId::kCookie, value);
  request->SendHead();
  EXPECT_NE(peer->ReceiveUntil("\r\n\r\n").find("cookie: " + value + "\r\n"), std::string::npos);
  Finish(*request);
}

TEST_F(H1RequestTest, QueuedCountsWhatTheKernelDidNotTakeAndFlushesAreTold) {
  constexpr size_t kBytes = 16 << 20;
  const auto request = Connected({http::BodyKind::kLength, kBytes});
  request->SendHead();
  request->SendBody(std::string(kBytes, 'x'), true);
  const size_t queued = request->stream->queued();
  EXPECT_GT(queued, 0u);
  EXPECT_LT(queued, kBytes);
  EXPECT_EQ(request->flushes, 0);
  size_t received = 0;
  ASSERT_TRUE(worker.Until([&] {
    received += peer->ReceiveNow().size();
    return request->stream->queued() == 0;
  }));
  EXPECT_GT(request->flushes, 0);
  while (received < kBytes) received += peer->Receive().size();
  Finish(*request);
  EXPECT_EQ(Gauge(metrics::ConnectionState::kIdle), 1);
}

TEST_F(H1RequestTest, AnEarlyFinalResponseIsDeliveredAndTheConnectionClosed) {
  const auto request = Connected({http::BodyKind::kLength, 100});
  request->SendHead();
  request->SendBody("part", false);
  EXPECT_EQ(BodyOf(peer->ReceiveUntil("part")), "part");
  Finish(*request);
  EXPECT_TRUE(peer->AtEnd());
  EXPECT_EQ(shared->connections.taken(), 0u);
}

TEST_F(H1RequestTest, AnEarlyResponseFollowedByAResetIsStillRead) {
  const auto request = Connected({http::BodyKind::kLength, 64 << 20});
  request->SendHead();
  request->SendBody(std::string(1 << 20, 'x'), false);
  peer->Receive();
  peer->Send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  peer->EndSide();
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_EQ(request->status, 413);
  EXPECT_EQ(request->body, "no");
}

TEST_F(H1RequestTest, AResetWhileTheRequestIsSentFailsTheAttempt) {
  const auto request = Connected({http::BodyKind::kLength, 64 << 20});
  request->SendHead();
  request->SendBody(std::string(1 << 20, 'x'), false);
  peer->Reset();
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamReset);
  EXPECT_EQ(request->error->retry, base::Retry::kNever);
}

TEST_F(H1RequestTest, MoreBodyThanAnnouncedNeverLeaves) {
  const auto request = Connected({http::BodyKind::kLength, 5});
  request->SendHead();
  request->SendBody("hello, more", true);
  EXPECT_EQ(BodyOf(peer->ReceiveUntil("hello")), "hello");
  worker.Settle();
  EXPECT_EQ(peer->ReceiveNow(), "");
}

TEST_F(H1RequestTest, ReleaseInTheMiddleClosesTheConnection) {
  const auto request = Connected({}, http::Method::kGet);
  request->SendHead();
  request->Release();
  worker.Settle();
  EXPECT_TRUE(peer->AtEnd());
  EXPECT_EQ(shared->connections.taken(), 0u);
  EXPECT_EQ(endpoints->endpoints[0].shared->active.load(), 0u);
}

TEST_F(H1RequestTest, ReleaseWithBytesUndeliveredClosesTheConnection) {
  const auto request = Connected({}, http::Method::kGet);
  request->Grant(0);
  request->SendHead();
  peer->Send(kOk);
  ASSERT_TRUE(worker.Until([&] { return request->status == 200; }));
  request->Release();
  worker.Settle();
  EXPECT_EQ(shared->connections.taken(), 0u);
}

class TunnelTest : public H1RequestTest {
 protected:
  std::unique_ptr<TestRequest> Upgrade() {
    auto request = Connected({}, http::Method::kGet);
    request->upgrade = true;
    request->auto_release = false;
    request->SendHead();
    EXPECT_NE(peer->ReceiveUntil("\r\n\r\n").find("upgrade: websocket\r\n"), std::string::npos);
    return request;
  }
  static constexpr std::string_view kSwitch =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
};

TEST_F(TunnelTest, BytesGoBothWaysAfterA101) {
  const auto request = Upgrade();
  peer->Send(std::string(kSwitch) + "first");
  ASSERT_TRUE(worker.Until([&] { return request->body == "first"; }));
  EXPECT_EQ(request->status, 101);
  request->SendBody("to you", false);
  EXPECT_EQ(peer->Receive(6), "to you");
  peer->Send(" second");
  ASSERT_TRUE(worker.Until([&] { return request->body == "first second"; }));
  EXPECT_FALSE(request->ended);
}

TEST_F(TunnelTest, EachSideMayEndAlone) {
  const auto request = Upgrade();
  peer->Send(kSwitch);
  ASSERT_TRUE(worker.Until([&] { return request->status == 101; }));
  peer->EndSide();
  ASSERT_TRUE(worker.Until([&] { return request->ended; }));
  request->SendBody("still here", true);
  EXPECT_EQ(peer->Receive(10), "still here");
  EXPECT_TRUE(peer->AtEnd());
}

TEST_F(TunnelTest, OurEndReachesTheUpstreamWhileItGoesOn) {
  const auto request = Upgrade();
  peer->Send(kSwitch);
  ASSERT_TRUE(worker.Until([&] { return request->status == 101; }));
  request->SendBody("bye", true);
  EXPECT_EQ(peer->Receive(3), "bye");
  EXPECT_TRUE(peer->AtEnd());
  peer->Send("one more thing");
  ASSERT_TRUE(worker.Until([&] { return request->body == "one more thing"; }));
  peer->EndSide();
  ASSERT_TRUE(worker.Until([&] { return request->ended; }));
  request->Release();
  EXPECT_EQ(Gauge(metrics::ConnectionState::kIdle), 0);
}

TEST_F(TunnelTest, CreditHoldsForTunnelsToo) {
  const auto request = Upgrade();
  request->Grant(4);
  peer->Send(std::string(kSwitch) + "0123456789");
  ASSERT_TRUE(worker.Until([&] { return request->body == "0123"; }));
  worker.Settle();
  EXPECT_EQ(request->body, "0123");
  request->Grant(100);
  ASSERT_TRUE(worker.Until([&] { return request->body == "0123456789"; }));
}

TEST_F(TunnelTest, AResetFailsTheAttempt) {
  const auto request = Upgrade();
  peer->Send(kSwitch);
  ASSERT_TRUE(worker.Until([&] { return request->status == 101; }));
  peer->Reset();
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamReset);
}

TEST_F(TunnelTest, AnotherAnswerIsAnOrdinaryResponse) {
  const auto request = Upgrade();
  peer->Send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  ASSERT_TRUE(worker.Until([&] { return request->ended; }));
  EXPECT_EQ(request->status, 403);
  request->Release();
  EXPECT_EQ(Gauge(metrics::ConnectionState::kIdle), 1);
}

}  // namespace
}  // namespace headgate::proxy
