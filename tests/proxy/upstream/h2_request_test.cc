// The way of a request over a shared HTTP/2 connection: heads, bodies under flow control, cancellation.
#include <gtest/gtest.h>

#include "tests/proxy/upstream/call_counter.h"
#include "tests/proxy/upstream/h2_fixture.h"

namespace headgate::proxy {
namespace {

using base::ErrorCode;
using base::Retry;
using http::h2::H2Error;

class H2RequestTest : public H2Fixture {};

TEST_F(H2RequestTest, AGetArrivesAndItsResponseComesBack) {
  const auto request = Request();
  request->head.path = "/cart";
  request->head.headers.Add(http::HeaderId::kUserAgent, "test");
  ASSERT_TRUE(Arrives(*request));
  EXPECT_EQ(h2->streams[0]->head.path, "/cart");
  EXPECT_EQ(h2->streams[0]->head.authority, "shop.example.com");
  EXPECT_EQ(h2->streams[0]->Field("user-agent"), "test");
  EXPECT_TRUE(h2->streams[0]->ended);
  EXPECT_EQ(Active(), 1u);
  h2->Head(0, 200, false, "x-from", "h2");
  h2->Body(0, "hello", true);
  ASSERT_TRUE(Both(*h2, [&] { return request->over(); }));
  EXPECT_TRUE(request->ended);
  EXPECT_EQ(request->status, 200);
  EXPECT_EQ(request->first_header, "x-from: h2");
  EXPECT_EQ(request->body, "hello");
  EXPECT_EQ(Active(), 0u);
}

TEST_F(H2RequestTest, ManyRequestsShareOneConnection) {
  std::vector<std::unique_ptr<TestRequest>> requests;
  for (int i = 0; i < 20; ++i) {
    requests.push_back(Request());
    ASSERT_TRUE(Arrives(*requests.back()));
  }
  EXPECT_EQ(shared->connections.taken(), 1u);
  EXPECT_EQ(Active(), 20u);
  for (size_t i = 20; i-- > 0;) h2->Answer(i, i % 2 == 0 ? "even" : "odd");
  ASSERT_TRUE(Both(*h2, [&] {
    return std::all_of(requests.begin(), requests.end(), [](const auto& request) { return request->over(); });
  }));
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(requests[i]->body, i % 2 == 0 ? "even" : "odd");
  EXPECT_FALSE(server.HasVisitor());
}

TEST_F(H2RequestTest, TheFramesOfATurnLeaveInOneWrite) {
  Serve();
  std::vector<std::unique_ptr<TestRequest>> requests;
  const SocketCalls before = SocketCallsSoFar();
  for (int i = 0; i < 10; ++i) {
    requests.push_back(Request());
    requests.back()->Begin();
    EXPECT_FALSE(requests.back()->waited);
  }
  EXPECT_EQ(SocketCallsSoFar().sends - before.sends, 0u);
  worker.reactor.Turn(base::Duration::zero());
  EXPECT_EQ(SocketCallsSoFar().sends - before.sends, 1u);
  ASSERT_TRUE(Both(*h2, [&] { return h2->Has(11); }));
}

TEST_F(H2RequestTest, ABodyArrivesWithItsTrailersAndTheRequestIsToldWhenItLeft) {
  const auto request = Request(http::Method::kPost);
  request->has_body = true;
  request->head.body = {http::BodyKind::kChunked, 0};
  ASSERT_TRUE(Arrives(*request));
  request->SendBody("one ", false);
  request->SendBody("two", false);
  http::HeaderMap trailers(request->arena);
  trailers.Add(http::HeaderId::kOther, "x-sum", "7");
  request->stream->SendTrailers(trailers);
  ASSERT_TRUE(Both(*h2, [&] { return h2->streams[0]->ended; }));
  EXPECT_EQ(h2->streams[0]->body, "one two");
  EXPECT_EQ(h2->streams[0]->trailer, "x-sum: 7");
  EXPECT_GT(request->flushes, 0);
  EXPECT_EQ(request->stream->queued(), 0u);
}

TEST_F(H2RequestTest, ABodyOfLengthZeroEndsWithTheHead) {
  const auto request = Request(http::Method::kPost);
  request->has_body = true;
  request->head.body = {http::BodyKind::kLength, 0};
  ASSERT_TRUE(Arrives(*request));
  ASSERT_TRUE(Both(*h2, [&] { return h2->streams[0]->ended; }));
  request->SendBody({}, true);
  h2->Answer(0);
  ASSERT_TRUE(Both(*h2, [&] { return request->over(); }));
  EXPECT_EQ(request->body, "ok");
}

TEST_F(H2RequestTest, APeerThatGivesNoCreditHoldsTheBodyBackButNotOtherRequests) {
  const auto upload = Request(http::Method::kPost);
  upload->has_body = true;
  upload->head.body = {http::BodyKind::kChunked, 0};
  ASSERT_TRUE(Arrives(*upload));
  h2->hold_bodies = true;
  const std::string large(200 * 1024, 'x');
  upload->SendBody(large, true);
  Settle(*h2);
  EXPECT_EQ(upload->stream->queued(), large.size() - http::h2::kStreamWindowBytes);
  const auto other = Request();
  ASSERT_TRUE(Arrives(*other));
  h2->Answer(1);
  ASSERT_TRUE(Both(*h2, [&] { return other->over(); }));
  EXPECT_EQ(other->body, "ok");
  h2->hold_bodies = false;
  h2->Answer(0);
  upload->auto_release = false;
  ASSERT_TRUE(Both(*h2, [&] { return upload->ended; }));
}

TEST_F(H2RequestTest, ALargeBodyArrivesWholeWhenThePeerReads) {
  const auto upload = Request(http::Method::kPost);
  upload->has_body = true;
  upload->head.body = {http::BodyKind::kLength, 3 * 1024 * 1024};
  ASSERT_TRUE(Arrives(*upload));
  const std::string large(3 * 1024 * 1024, 'y');
  upload->SendBody(large, true);
  ASSERT_TRUE(Both(*h2, [&] { return h2->streams[0]->ended; }));
  EXPECT_EQ(h2->streams[0]->body, large);
  EXPECT_EQ(h2->streams[0]->Field("content-length"), "");
}

TEST_F(H2RequestTest, AReleasedRequestIsCancelledAtThePeerWithinTheTurn) {
  const auto request = Request();
  ASSERT_TRUE(Arrives(*request));
  request->Release();
  EXPECT_EQ(Active(), 0u);
  worker.reactor.Turn(base::Duration::zero());
  h2->Pump();
  EXPECT_TRUE(h2->streams[0]->gone);
  EXPECT_EQ(h2->streams[0]->reset, H2Error::kCancel);
  Serve();
  EXPECT_EQ(shared->connections.taken(), 1u);
}

TEST_F(H2RequestTest, AnUploadWhoseAnswerIsCompleteIsCutWithNoError) {
  const auto request = Request(http::Method::kPost);
  request->has_body = true;
  request->head.body = {http::BodyKind::kChunked, 0};
  ASSERT_TRUE(Arrives(*request));
  h2->Head(0, 403, true);
  ASSERT_TRUE(Both(*h2, [&] { return request->over(); }));
  EXPECT_EQ(request->status, 403);
  Settle(*h2);
  EXPECT_TRUE(h2->streams[0]->gone);
  EXPECT_EQ(h2->streams[0]->reset, H2Error::kNoError);
  Serve();
}

TEST_F(H2RequestTest, ARequestReleasedBeforeItsHeadLeavesNoTrace) {
  Serve();
  const auto request = Request();
  request->on_connected = [] {};
  request->Begin();
  ASSERT_NE(request->stream, nullptr);
  request->Release();
  EXPECT_EQ(Active(), 0u);
  Serve();
  EXPECT_EQ(h2->streams.size(), 2u);
}

TEST_F(H2RequestTest, ARefusedStreamIsSafeToRepeatWhateverItsMethod) {
  Serve();
  h2->refuse = true;
  const auto request = Request(http::Method::kPost);
  request->Begin();
  ASSERT_TRUE(Both(*h2, [&] { return request->over(); }));
  ASSERT_TRUE(request->error.has_value());
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamReset);
  EXPECT_EQ(request->error->retry, Retry::kSafe);
  EXPECT_FALSE(request->attempt.any_byte_sent);
  EXPECT_STREQ(request->error->detail, "the upstream sent RST_STREAM(REFUSED_STREAM)");
  h2->refuse = false;
  Serve();
}

TEST_F(H2RequestTest, WhatAGoawayLeavesOutIsRepeatedAtOnceAndTheRestIsAnswered) {
  Serve();
  const auto one = Request();
  ASSERT_TRUE(Arrives(*one));  // stream 3
  const auto two = Request(http::Method::kPost);
  ASSERT_TRUE(Arrives(*two));  // stream 5
  h2->Goaway(3);
  ASSERT_TRUE(Both(*h2, [&] { return two->over(); }));
  EXPECT_EQ(two->error->code, ErrorCode::kUpstreamReset);
  EXPECT_EQ(two->error->retry, Retry::kIfReused);
  EXPECT_FALSE(two->attempt.any_byte_sent);
  EXPECT_STREQ(two->error->detail, "GOAWAY before the request was processed");
  h2->Answer(1);
  ASSERT_TRUE(Both(*h2, [&] { return one->over(); }));
  EXPECT_EQ(one->body, "ok");
  EXPECT_EQ(shared->connections.taken(), 0u);
}

TEST_F(H2RequestTest, AfterAGoawayRequestsGoToANewConnection) {
  const auto one = Request();
  ASSERT_TRUE(Arrives(*one));
  h2->Goaway(1);
  Settle(*h2);
  const auto two = Request();
  two->Begin();
  const auto next = AcceptH2();
  ASSERT_NE(next, nullptr);
  ASSERT_TRUE(Both(*next, [&] { return next->Has(1); }));
  next->Answer(0);
  ASSERT_TRUE(Both(*next, [&] { return two->over(); }));
  EXPECT_EQ(two->body, "ok");
  h2->Answer(0);
  ASSERT_TRUE(Both(*h2, [&] { return one->over(); }));
  EXPECT_EQ(shared->connections.taken(), 1u);
}

TEST_F(H2RequestTest, ALostConnectionIsStaleOnlyForRequestsOnAUsedOneThatHeardNothing) {
  const auto first = Request();
  ASSERT_TRUE(Arrives(*first));
  h2->socket().Reset();
  ASSERT_TRUE(worker.Until([&] { return first->over(); }));
  EXPECT_EQ(first->error->code, ErrorCode::kUpstreamReset);
  EXPECT_EQ(first->error->retry, Retry::kNever);
  EXPECT_EQ(shared->connections.taken(), 0u);
  h2.reset();
  Serve();
  const auto stale = Request();
  const auto begun = Request();
  ASSERT_TRUE(Arrives(*stale));
  ASSERT_TRUE(Arrives(*begun));
  h2->Head(2, 200, false);
  ASSERT_TRUE(Both(*h2, [&] { return begun->status == 200; }));
  h2->socket().Close();
  ASSERT_TRUE(worker.Until([&] { return stale->over() && begun->over(); }));
  EXPECT_TRUE(stale->attempt.any_byte_sent);
  EXPECT_EQ(stale->error->retry, Retry::kIfReused);
  EXPECT_EQ(begun->error->retry, Retry::kNever);
  EXPECT_FALSE(begun->ended);
}

TEST_F(H2RequestTest, WhatIsRefusedBecauseThePeersLimitWasNotKnownYetIsRepeatedAtOnce) {
  streams_max = 1;
  const auto one = Request(http::Method::kPost);
  const auto two = Request(http::Method::kPost);
  one->Begin();
  two->Begin();
  worker.Settle();
  h2 = AcceptH2(1);
  ASSERT_TRUE(Both(*h2, [&] { return h2->Has(1) && two->over(); }));
  EXPECT_FALSE(one->over());
  EXPECT_EQ(two->error->code, ErrorCode::kUpstreamReset);
  EXPECT_EQ(two->error->retry, Retry::kIfReused);
  EXPECT_FALSE(two->attempt.any_byte_sent);
  const auto again = Request(http::Method::kPost);
  again->attempt.fresh_connection = true;
  policy.connections.max = 1;
  Configure();
  again->Begin();
  EXPECT_TRUE(again->waited);
  h2->Answer(0);
  ASSERT_TRUE(Both(*h2, [&] { return h2->Has(2); }));
}

}  // namespace
}  // namespace headgate::proxy
