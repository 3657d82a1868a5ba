// gRPC calls over HTTP/2: what a client is told when something of ours, or of the upstream's, goes wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/exchange/exchange_fixture.h"

namespace headgate::proxy {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ExchangeGrpc : public ExchangeFixture {
 protected:
  // One trailers-only head with this status.
  void ExpectOnlyTrailers(std::string_view status) {
    EXPECT_EQ(stream.heads, 1);
    EXPECT_EQ(stream.status, 200);
    EXPECT_TRUE(stream.ended);
    EXPECT_FALSE(stream.aborted);
    EXPECT_EQ(stream.framing, http::BodyKind::kNone) << "not even a content-length";
    EXPECT_EQ(stream.body, "");
    EXPECT_THAT(stream.header,
                StartsWith("content-type: application/grpc\ngrpc-status: " + std::string(status) + "\ngrpc-message: "));
    Flushed();
    EXPECT_EQ(stream.done, 1);
  }
};

TEST_F(ExchangeGrpc, NobodyServesTheHostIsUnimplemented) {
  NewCall("nobody.example.com");
  Begin();
  EXPECT_THAT(stream.header, HasSubstr("grpc-message: no route for this host and path, request id "));
  EXPECT_TRUE(stream.discarded);
  ExpectOnlyTrailers("12");
  EXPECT_EQ(Metric(R"(headgate_grpc_requests_total{route="_none",upstream="_none",grpc_status="12"})"), 1);
}

TEST_F(ExchangeGrpc, AnHttp11UpstreamIsUnimplementedWithTheReason) {
  NewCall("old.example.com");
  Begin();
  EXPECT_THAT(stream.header, HasSubstr("HTTP/1.1"));
  ExpectOnlyTrailers("12");
  EXPECT_FALSE(old_server.HasVisitor());
  EXPECT_EQ(Metric(R"(headgate_grpc_requests_total{route="h1",upstream="old",grpc_status="12"})"), 1);
}

TEST_F(ExchangeGrpc, ARespondRoutesErrorBecomesItsStatus) {
  NewCall("own.example.com");
  Begin();
  ExpectOnlyTrailers("16");
}

TEST_F(ExchangeGrpc, ABodyBeyondTheLimitIsResourceExhausted) {
  Exchange& exchange = NewCall();
  ASSERT_TRUE(Arrive());
  base::Chain data;
  const std::string large(101, 'x');
  data.Append(base::Slice::Unowned(large));
  exchange.OnRequestBody(data, base::End::kNo, nullptr);
  ExpectOnlyTrailers("8");
  EXPECT_TRUE(Turn([&] { return h2->streams[0]->gone; }));
}

TEST_F(ExchangeGrpc, AnUpstreamThatResetsBeforeItsHeadIsUnavailable) {
  NewCall();
  ASSERT_TRUE(Arrive());
  h2->Reset(0, http::h2::H2Error::kInternalError);
  ASSERT_TRUE(Turn([&] { return stream.ended; }));
  ExpectOnlyTrailers("14");
  EXPECT_EQ(Metric(R"(headgate_proxy_errors_total{route="h2",reason="reset"})"), 1);
}

TEST_F(ExchangeGrpc, AnUpstreamThatResetsAfterItsHeadEndsTheCallWithTrailers) {
  NewCall();
  ASSERT_TRUE(Arrive());
  h2->Head(0, 200, false, "content-type", "application/grpc");
  h2->Body(0, "half a mess", false);
  ASSERT_TRUE(Turn([&] { return stream.body == "half a mess"; }));
  h2->Reset(0, http::h2::H2Error::kCancel);
  ASSERT_TRUE(Turn([&] { return stream.ended; }));
  EXPECT_FALSE(stream.aborted);
  EXPECT_EQ(stream.trailer, "grpc-status: 14\ngrpc-message: the upstream closed the connection\n");
  EXPECT_TRUE(stream.discarded);
  EXPECT_EQ(stream.done, 0) << "not before it left";
  Flushed();
  EXPECT_EQ(stream.done, 1);
  EXPECT_EQ(Metric(R"(headgate_grpc_requests_total{route="h2",upstream="shop",grpc_status="14"})"), 1);
}

TEST_F(ExchangeGrpc, AClientThatDoesNotTakeTheTrailersIsCutOff) {
  NewCall();
  ASSERT_TRUE(Arrive());
  h2->Head(0, 200, false);
  ASSERT_TRUE(Turn([&] { return stream.heads == 1; }));
  h2->Reset(0, http::h2::H2Error::kCancel);
  ASSERT_TRUE(Turn([&] { return stream.ended; }));
  worker.Advance(seconds(21));
  EXPECT_TRUE(stream.aborted);
  EXPECT_EQ(stream.done, 1);
}

TEST_F(ExchangeGrpc, ATimeoutOfTheClientsIsADeadline) {
  NewCall("shop.example.com", "50m");
  ASSERT_TRUE(Arrive());
  EXPECT_EQ(h2->streams[0]->Field("grpc-timeout"), "50m");
  worker.Advance(milliseconds(49));
  EXPECT_EQ(stream.heads, 0);
  worker.Advance(milliseconds(10));
  ExpectOnlyTrailers("4");
  EXPECT_TRUE(Turn([&] { return h2->streams[0]->gone; })) << "the upstream is told";
}

TEST_F(ExchangeGrpc, ATimeoutOfTheClientsHoldsBeyondTheHead) {
  NewCall("shop.example.com", "5S");
  ASSERT_TRUE(Arrive());
  h2->Head(0, 200, false);
  ASSERT_TRUE(Turn([&] { return stream.heads == 1; }));
  worker.Advance(seconds(4));
  EXPECT_FALSE(stream.ended);
  worker.Advance(seconds(2));
  EXPECT_TRUE(stream.ended);
  EXPECT_EQ(stream.trailer, "grpc-status: 4\ngrpc-message: the request's deadline passed\n");
  Flushed();
  EXPECT_EQ(stream.done, 1);
}

TEST_F(ExchangeGrpc, TheRoutesTimeoutEndsWithTheHeadAndTheSmallerOneCounts) {
  NewCall("shop.example.com", "60S");
  ASSERT_TRUE(Arrive());
  h2->Head(0, 200, false);
  ASSERT_TRUE(Turn([&] { return stream.heads == 1; }));
  for (int i = 0; i < 3; ++i) {
    worker.Advance(seconds(15));
    h2->Body(0, "x", false);
    ASSERT_TRUE(Turn([&] { return stream.body.size() == static_cast<size_t>(i) + 1; }));
  }
  EXPECT_FALSE(stream.ended) << "timeouts.request is 30s";
  worker.Advance(seconds(16));
  EXPECT_THAT(stream.trailer, StartsWith("grpc-status: 4\n")) << "grpc-timeout is 60 s";
  Flushed();
}

TEST_F(ExchangeGrpc, BeforeTheHeadTheRoutesTimeoutIsADeadlineToo) {
  NewCall("shop.example.com", "60S");
  ASSERT_TRUE(Arrive());
  worker.Advance(seconds(31));
  ExpectOnlyTrailers("4");
}

TEST_F(ExchangeGrpc, BeforeTheHeadASilenceIsADeadlineToo) {
  NewCall();
  ASSERT_TRUE(Arrive());
  worker.Advance(seconds(19));
  EXPECT_EQ(stream.heads, 0);
  worker.Advance(seconds(2));
  ExpectOnlyTrailers("4");
}

TEST_F(ExchangeGrpc, AMalformedTimeoutIsPassedOnAndMeansNothing) {
  NewCall("shop.example.com", "1s");
  ASSERT_TRUE(Arrive());
  EXPECT_EQ(h2->streams[0]->Field("grpc-timeout"), "1s");
  worker.Advance(seconds(10));
  EXPECT_EQ(stream.heads, 0);
  exchange_->OnClientError({ErrorCode::kClientClosed, base::Side::kClient, base::Retry::kNever, ""});
  EXPECT_EQ(stream.done, 1);
}

TEST_F(ExchangeGrpc, TheUpstreamsTrailersArriveAndTheirStatusIsCounted) {
  Exchange& exchange = NewCall();
  ASSERT_TRUE(Arrive());
  EXPECT_TRUE(stream.body_clock_stopped) << "a stream of messages has no pace";
  base::Chain none;
  exchange.OnRequestBody(none, base::End::kYes, nullptr);
  h2->Head(0, 200, false, "content-type", "application/grpc");
  h2->Body(0, "message", false);
  h2->Trailer(0, "grpc-status", "5");
  ASSERT_TRUE(Turn([&] { return stream.ended; }));
  EXPECT_EQ(stream.body, "message");
  EXPECT_EQ(stream.trailer, "grpc-status: 5\n");
  Flushed();
  EXPECT_EQ(stream.done, 1);
  EXPECT_EQ(Metric(R"(headgate_grpc_requests_total{route="h2",upstream="shop",grpc_status="5"})"), 1);
  EXPECT_EQ(Metric(R"(headgate_upstream_requests_total{upstream="shop",result="ok"})"), 1);
}

TEST_F(ExchangeGrpc, AHeadOnlyAnswerKeepsItsShapeAndIsCounted) {
  Exchange& exchange = NewCall();
  ASSERT_TRUE(Arrive());
  base::Chain none;
  exchange.OnRequestBody(none, base::End::kYes, nullptr);
  h2->Head(0, 200, true, "grpc-status", "7");
  ASSERT_TRUE(Turn([&] { return stream.ended; }));
  EXPECT_EQ(stream.header, "grpc-status: 7\n");
  EXPECT_EQ(stream.trailer, "");
  Flushed();
  EXPECT_EQ(Metric(R"(headgate_grpc_requests_total{route="h2",upstream="shop",grpc_status="7"})"), 1);
}

TEST_F(ExchangeGrpc, AnAnswerWithoutAStatusIsCountedAsOther) {
  Exchange& exchange = NewCall();
  ASSERT_TRUE(Arrive());
  base::Chain none;
  exchange.OnRequestBody(none, base::End::kYes, nullptr);
  h2->Answer(0, "<html>");
  ASSERT_TRUE(Turn([&] { return stream.ended; }));
  EXPECT_EQ(stream.body, "<html>");
  Flushed();
  EXPECT_EQ(Metric(R"(headgate_grpc_requests_total{route="h2",upstream="shop",grpc_status="other"})"), 1);
}

TEST_F(ExchangeGrpc, AClientThatCancelsIsNotTalkedToAndTheUpstreamIsReset) {
  Exchange& exchange = NewCall();
  ASSERT_TRUE(Arrive());
  h2->Head(0, 200, false);
  ASSERT_TRUE(Turn([&] { return stream.heads == 1; }));
  exchange.OnClientError({ErrorCode::kClientClosed, base::Side::kClient, base::Retry::kNever, "RST_STREAM"});
  EXPECT_EQ(stream.trailer, "");
  EXPECT_EQ(stream.done, 1);
  EXPECT_TRUE(Turn([&] { return h2->streams[0]->gone; }));
  EXPECT_EQ(Metric(R"(headgate_upstream_requests_total{upstream="shop",result="canceled"})"), 1);
}

TEST_F(ExchangeGrpc, OverHttp11ItIsARequestAsAny) {
  NewCall("nobody.example.com").request().version = http::Version::kHttp11;
  Begin();
  EXPECT_EQ(stream.status, 404);
  Flushed();
  EXPECT_EQ(
      Metric(R"(headgate_requests_total{route="_none",upstream="_none",method="POST",code="404",code_class="4xx"})"),
      1);
  EXPECT_EQ(worker.registry.Scrape(false).find("headgate_grpc_requests_total{"), std::string::npos);
}

}  // namespace
}  // namespace headgate::proxy
