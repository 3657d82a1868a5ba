// Responses over HTTP/2: credit, interim heads, trailers, and what breaks the rules.
#include <gtest/gtest.h>

#include "base/limits.h"
#include "tests/proxy/upstream/h2_fixture.h"

namespace headgate::proxy {
namespace {

using base::ErrorCode;
using base::Retry;
using http::h2::H2Error;
using std::chrono::seconds;

class H2ResponseTest : public H2Fixture {
 protected:
  // A request whose answer may break: begun, and its error once it came.
  void Begin() {
    request = Request();
    ASSERT_TRUE(Arrives(*request));
  }
  bool Failed() {
    return Both(*h2, [&] { return request->over(); }) && request->error.has_value();
  }
  std::unique_ptr<TestRequest> request;
};

TEST_F(H2ResponseTest, AResponseWithoutABodyEndsWithItsHead) {
  Begin();
  h2->Head(0, 204, true);
  ASSERT_TRUE(Both(*h2, [&] { return request->over(); }));
  EXPECT_TRUE(request->ended);
  EXPECT_EQ(request->status, 204);
  EXPECT_EQ(request->body, "");
}

TEST_F(H2ResponseTest, BytesComeAsTheyAreGrantedAndNotBefore) {
  request = Request();
  request->credit = 10;
  ASSERT_TRUE(Arrives(*request));
  h2->Answer(0, "0123456789abcdefghij");
  ASSERT_TRUE(Both(*h2, [&] { return request->body.size() == 10; }));
  Settle(*h2);
  EXPECT_EQ(request->body, "0123456789");
  request->Grant(3);
  worker.Settle();
  EXPECT_EQ(request->body, "0123456789abc");
  EXPECT_FALSE(request->ended);
  request->Grant(100);
  worker.Settle();
  EXPECT_EQ(request->body, "0123456789abcdefghij");
  EXPECT_TRUE(request->ended);
}

TEST_F(H2ResponseTest, AReaderWithoutCreditStopsItsStreamAtTheWindowAndNoOther) {
  request = Request();
  request->credit = 0;
  ASSERT_TRUE(Arrives(*request));
  const std::string large(1024 * 1024, 'z');
  h2->Answer(0, large);
  Settle(*h2);
  EXPECT_EQ(request->body, "");
  EXPECT_EQ(h2->streams[0]->queued(), large.size() - http::h2::kStreamWindowBytes);
  const auto other = Request();
  ASSERT_TRUE(Arrives(*other));
  h2->Answer(1);
  ASSERT_TRUE(Both(*h2, [&] { return other->over(); }));
  EXPECT_EQ(other->body, "ok");
  ASSERT_TRUE(Both(*h2, [&] {
    if (request->stream != nullptr) request->Grant(20'000);
    return request->over();
  }));
  EXPECT_EQ(request->body, large);
}

TEST_F(H2ResponseTest, InterimResponsesComeFirst) {
  Begin();
  h2->Interim(0, 100);
  h2->Interim(0, 103);
  h2->Answer(0);
  ASSERT_TRUE(Both(*h2, [&] { return request->over(); }));
  EXPECT_EQ(request->interims, (std::vector<uint16_t>{100, 103}));
  EXPECT_EQ(request->body, "ok");
}

TEST_F(H2ResponseTest, TooManyInterimResponsesAreAnError) {
  Begin();
  for (size_t i = 0; i <= base::kInterimResponsesMax; ++i) h2->Interim(0, 103);
  ASSERT_TRUE(Failed());
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamProtocol);
  EXPECT_STREQ(request->error->detail, "too many interim responses");
}

TEST_F(H2ResponseTest, TrailersComeWithTheEnd) {
  Begin();
  h2->Head(0, 200, false);
  h2->Body(0, "data", false);
  h2->Trailer(0, "grpc-status", "0");
  ASSERT_TRUE(Both(*h2, [&] { return request->over(); }));
  EXPECT_EQ(request->body, "data");
  EXPECT_EQ(request->trailer, "grpc-status: 0");
  EXPECT_TRUE(request->ended);
}

TEST_F(H2ResponseTest, AResponseThatIsResetFailsVisibly) {
  Begin();
  h2->Head(0, 200, false);
  h2->Body(0, "half", false);
  ASSERT_TRUE(Both(*h2, [&] { return request->body == "half"; }));
  h2->Reset(0, H2Error::kInternalError);
  ASSERT_TRUE(Failed());
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamReset);
  EXPECT_EQ(request->error->retry, Retry::kNever);
  EXPECT_STREQ(request->error->detail, "the upstream sent RST_STREAM(INTERNAL_ERROR)");
  EXPECT_FALSE(request->ended);
  Serve();
  EXPECT_EQ(shared->connections.taken(), 1u);
}

TEST_F(H2ResponseTest, AResponseThatIsResetTogetherWithItsHeadFailsBeforeItIsTold) {
  Begin();
  h2->Interim(0, 103);
  h2->Head(0, 200, false);
  h2->Body(0, "half", false);
  h2->Reset(0, H2Error::kInternalError);
  ASSERT_TRUE(Failed());
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamReset);
  EXPECT_EQ(request->status, 0);
  EXPECT_EQ(request->body, "");
}

TEST_F(H2ResponseTest, AResponseThatLosesItsConnectionTogetherWithItsHeadFailsBeforeItIsTold) {
  Begin();
  h2->Head(0, 200, false);
  h2->Body(0, "half", false);
  h2->socket().Close();
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  ASSERT_TRUE(request->error.has_value());
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamReset);
  EXPECT_EQ(request->status, 0);
}

TEST_F(H2ResponseTest, AStreamThatIsResetBeforeItsResponseIsNotRepeatedByItself) {
  Serve();
  request = Request();
  ASSERT_TRUE(Arrives(*request));
  h2->Reset(1, H2Error::kCancel);
  ASSERT_TRUE(Failed());
  EXPECT_EQ(request->error->retry, Retry::kNever);
  EXPECT_TRUE(request->attempt.any_byte_sent);
}

TEST_F(H2ResponseTest, AWholeResponseIsDeliveredAfterTheConnectionEnded) {
  request = Request();
  request->credit = 4;
  ASSERT_TRUE(Arrives(*request));
  const auto cut = Request();
  ASSERT_TRUE(Arrives(*cut));
  h2->Head(1, 200, false);
  h2->Answer(0, "complete");
  ASSERT_TRUE(Both(*h2, [&] { return request->body == "comp" && cut->status == 200; }));
  h2->Goaway(3);
  h2->socket().Close();
  ASSERT_TRUE(worker.Until([&] { return cut->over(); }));
  EXPECT_TRUE(cut->error.has_value());
  EXPECT_FALSE(request->over());
  EXPECT_EQ(shared->connections.taken(), 1u);
  request->Grant(100);
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_TRUE(request->ended);
  EXPECT_EQ(request->body, "complete");
  EXPECT_EQ(shared->connections.taken(), 0u);
  EXPECT_EQ(Gauge(metrics::ConnectionState::kActive), 0);
}

TEST_F(H2ResponseTest, AHeadOverTheLimitIsAnErrorOfItsOwn) {
  Begin();
  const std::string large(base::kUpstreamHeadBytesMax, 'h');
  h2->Head(0, 200, true, "x-large", large);
  ASSERT_TRUE(Failed());
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamHeaderTooLarge);
  Serve();
}

TEST_F(H2ResponseTest, DataBeforeTheHeadIsAProtocolError) {
  Begin();
  h2->Raw(0x0, 0x1, 1, "early");
  ASSERT_TRUE(Failed());
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamProtocol);
  EXPECT_EQ(request->error->retry, Retry::kNever);
  EXPECT_EQ(request->status, 0);
}

TEST_F(H2ResponseTest, ABodyThatIsNotAsLongAsAnnouncedFailsTheStreamAndNotTheConnection) {
  Begin();
  h2->Head(0, 200, false, "content-length", "10");
  h2->Body(0, "short", true);
  ASSERT_TRUE(Failed());
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamProtocol);
  EXPECT_STREQ(request->error->detail, "less DATA than content-length announced");
  EXPECT_FALSE(request->ended);
  Serve();
}

TEST_F(H2ResponseTest, ABrokenFrameFailsEveryStreamWithTheRule) {
  Begin();
  const auto other = Request();
  ASSERT_TRUE(Arrives(*other));
  h2->Raw(0x0, 0, 0, "DATA on stream 0");
  ASSERT_TRUE(Failed());
  ASSERT_TRUE(Both(*h2, [&] { return other->over(); }));
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamProtocol);
  EXPECT_EQ(other->error->code, ErrorCode::kUpstreamProtocol);
  EXPECT_STRNE(request->error->detail, "");
  EXPECT_EQ(shared->connections.taken(), 0u);
}

TEST_F(H2ResponseTest, AnUpstreamThatSpeaksHttp1IsAProtocolError) {
  request = Request();
  request->Begin();
  worker.Settle();
  const auto http1 = server.Accept();
  ASSERT_NE(http1->ReceiveUntil("SM\r\n\r\n"), "");
  http1->Send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamProtocol);
  EXPECT_EQ(request->error->retry, Retry::kNever);
  EXPECT_STREQ(request->error->detail, "the upstream answered in HTTP/1: it does not speak HTTP/2");
}

TEST_F(H2ResponseTest, SettingsMustComeWithinConnectTimeout) {
  request = Request();
  request->Begin();
  const auto silent = server.Accept();
  worker.Settle();
  worker.Advance(policy.connections.connect_timeout - std::chrono::milliseconds(20));
  EXPECT_FALSE(request->over());
  worker.Advance(std::chrono::milliseconds(40));
  ASSERT_TRUE(request->error.has_value());
  EXPECT_EQ(request->error->code, ErrorCode::kConnectTimeout);
  EXPECT_STREQ(request->error->detail, "no SETTINGS within connectTimeout");
  EXPECT_EQ(shared->connections.taken(), 0u);
}

TEST_F(H2ResponseTest, AQuietConnectionThatAnswersAPingLives) {
  Begin();
  Settle(*h2);
  for (int i = 0; i < 4; ++i) {
    worker.Advance(UpstreamH2Connection::kQuietMax + std::chrono::milliseconds(20));
    Settle(*h2);
  }
  EXPECT_FALSE(request->over());
  h2->Answer(0);
  ASSERT_TRUE(Both(*h2, [&] { return request->over(); }));
  EXPECT_EQ(request->body, "ok");
}

// grpc-go and grpc-core end connections that ask more often (ENHANCE_YOUR_CALM "too_many_pings").
TEST_F(H2ResponseTest, AQuietResponseIsAskedForOnceInFiveMinutes) {
  Begin();
  Settle(*h2);
  const size_t before = h2->pings;
  for (int i = 0; i < 19; ++i) {
    worker.Advance(UpstreamH2Connection::kQuietMax + std::chrono::milliseconds(20));
    Settle(*h2);
  }
  EXPECT_EQ(h2->pings, before + 1);
  worker.Advance(UpstreamH2Connection::kQuietMax * 3);
  Settle(*h2);
  EXPECT_EQ(h2->pings, before + 2);
  h2->Head(0, 200, false);
  Settle(*h2);
  worker.Advance(UpstreamH2Connection::kQuietMax + std::chrono::milliseconds(20));
  Settle(*h2);
  EXPECT_EQ(h2->pings, before + 3) << "a response's bytes allow another";
}

TEST_F(H2ResponseTest, AConnectionThatDoesNotAnswerAPingIsLost) {
  Begin();
  Settle(*h2);
  h2->silent = true;
  worker.Advance(UpstreamH2Connection::kQuietMax + std::chrono::milliseconds(20));
  Settle(*h2);
  EXPECT_FALSE(request->over());
  worker.Advance(UpstreamH2Connection::kPingTimeout + std::chrono::milliseconds(20));
  ASSERT_TRUE(request->error.has_value());
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamReset);
  EXPECT_STREQ(request->error->detail, "no answer to a PING");
  EXPECT_EQ(shared->connections.taken(), 0u);
}

TEST_F(H2ResponseTest, AConnectionThatCarriesNothingIsNotAsked) {
  policy.connections.idle_timeout = seconds(300);
  Configure();
  Serve();
  h2->silent = true;
  for (int i = 0; i < 6; ++i) worker.Advance(seconds(10));
  EXPECT_EQ(Gauge(metrics::ConnectionState::kIdle), 1);
  h2->silent = false;
  Serve();
}

}  // namespace
}  // namespace headgate::proxy
