// What an exchange does differently because its client or its upstream speaks HTTP/2.
#include <gtest/gtest.h>

#include "tests/proxy/exchange/exchange_fixture.h"

namespace headgate::proxy {
namespace {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;

class ExchangeH2 : public ExchangeFixture {
 protected:
  static constexpr Error kMalformed{ErrorCode::kBadRequest, Side::kClient, Retry::kNever, "DATA beyond content-length"};
};

TEST_F(ExchangeH2, AMalformedHeadIsCountedAndNeverAnswered) {
  NewRequest();
  Begin({ErrorCode::kSmuggling, Side::kClient, Retry::kNever, "a connection-specific field"});
  EXPECT_EQ(stream.heads, 0);
  EXPECT_TRUE(stream.aborted);
  EXPECT_EQ(stream.done, 1);
  EXPECT_FALSE(server.HasVisitor());
  EXPECT_EQ(Metric(R"(headgate_requests_rejected_total{reason="smuggling"})"), 1);
  EXPECT_EQ(
      Metric(R"(headgate_requests_total{route="_none",upstream="_none",method="POST",code="400",code_class="4xx"})"),
      1);
}

TEST_F(ExchangeH2, TheSameOverHttp11IsAnswered) {
  NewRequest().request().version = http::Version::kHttp11;
  Begin(kMalformed);
  EXPECT_EQ(stream.status, 400);
  EXPECT_TRUE(stream.close);
  EXPECT_FALSE(stream.aborted);
  Flushed();
  EXPECT_EQ(stream.done, 1);
}

TEST_F(ExchangeH2, AHeadOverTheLimitsIsAnswered) {
  NewRequest();
  Begin({ErrorCode::kHeaderTooLarge, Side::kClient, Retry::kNever, ""});
  EXPECT_EQ(stream.status, 431);
  EXPECT_FALSE(stream.aborted);
  Flushed();
  EXPECT_EQ(Metric(R"(headgate_requests_rejected_total{reason="header_too_large"})"), 1);
}

TEST_F(ExchangeH2, ABodyThatBreaksItsLengthAbortsTheUpstreamsRequestWithoutAnAnswer) {
  Exchange& exchange = NewRequest();
  ASSERT_TRUE(Arrive());
  exchange.OnClientError(kMalformed);
  EXPECT_EQ(stream.heads, 0);
  EXPECT_TRUE(stream.aborted);
  EXPECT_EQ(stream.done, 1);
  EXPECT_TRUE(Turn([&] { return h2->streams[0]->gone; }));
  EXPECT_EQ(Metric(R"(headgate_requests_total{route="h2",upstream="shop",method="POST",code="400",code_class="4xx"})"),
            1);
  EXPECT_EQ(Metric(R"(headgate_proxy_errors_total{route="h2",reason="bad_request"})"), 1);
}

TEST_F(ExchangeH2, ABodyThatBreaksItsLengthEndsAnAnswerOfOursToo) {
  Exchange& exchange = NewRequest("nobody.example.com");
  Begin();
  EXPECT_EQ(stream.status, 404);
  exchange.OnClientError(kMalformed);
  EXPECT_TRUE(stream.aborted);
  EXPECT_EQ(stream.done, 1);
}

TEST_F(ExchangeH2, AnUpstreamThatIsSilentForIdleIs504) {
  Exchange& exchange = NewRequest();
  ASSERT_TRUE(Arrive());
  base::Chain none;
  exchange.OnRequestBody(none, base::End::kYes, nullptr);
  worker.Advance(std::chrono::seconds(19));
  EXPECT_EQ(stream.heads, 0);
  worker.Advance(std::chrono::seconds(2));
  EXPECT_EQ(stream.status, 504);
  EXPECT_TRUE(Turn([&] { return h2->streams[0]->gone; }));
  Flushed();
  EXPECT_EQ(Metric(R"(headgate_proxy_errors_total{route="h2",reason="idle_timeout"})"), 1);
}

TEST_F(ExchangeH2, AClientThatOwesItsBodyIsNoSilenceOfTheUpstreams) {
  Exchange& exchange = NewRequest();
  ASSERT_TRUE(Arrive());
  worker.Advance(std::chrono::seconds(25));
  EXPECT_EQ(stream.heads, 0);
  exchange.OnClientError({ErrorCode::kClientClosed, Side::kClient, Retry::kNever, ""});
}

TEST_F(ExchangeH2, TrailersReachAnHttp2ClientWithoutBeingAskedFor) {
  Exchange& exchange = NewRequest();
  ASSERT_TRUE(Arrive());
  base::Chain none;
  exchange.OnRequestBody(none, base::End::kYes, nullptr);
  h2->Head(0, 200, false);
  h2->Body(0, "ok", false);
  h2->Trailer(0, "x-sum", "7");
  ASSERT_TRUE(Turn([&] { return stream.ended; }));
  EXPECT_EQ(stream.trailer, "x-sum: 7\n");
  Flushed();
}

TEST_F(ExchangeH2, TrailersReachAnHttp11ClientOnlyIfItAskedForThem) {
  Exchange& exchange = NewRequest();
  exchange.request().version = http::Version::kHttp11;
  ASSERT_TRUE(Arrive());
  base::Chain none;
  exchange.OnRequestBody(none, base::End::kYes, nullptr);
  h2->Head(0, 200, false);
  h2->Body(0, "ok", false);
  h2->Trailer(0, "x-sum", "7");
  ASSERT_TRUE(Turn([&] { return stream.ended; }));
  EXPECT_EQ(stream.trailer, "");
  Flushed();
}

TEST_F(ExchangeH2, ARequestsTrailersReachAnHttp2Upstream) {
  Exchange& exchange = NewRequest();
  ASSERT_TRUE(Arrive());
  http::HeaderMap trailers(exchange.arena());
  trailers.Add(http::HeaderId::kOther, "x-sum", "7");
  base::Chain data;
  data.Append(base::Slice::Unowned("hello"));
  exchange.OnRequestBody(data, base::End::kYes, &trailers);
  ASSERT_TRUE(Turn([&] { return h2->streams[0]->ended; }));
  EXPECT_EQ(h2->streams[0]->body, "hello");
  EXPECT_EQ(h2->streams[0]->trailer, "x-sum: 7");
  h2->Answer(0);
  ASSERT_TRUE(Turn([&] { return stream.ended; }));
  Flushed();
}

TEST_F(ExchangeH2, AnAnswerThatBreaksOffTogetherWithItsHeadIs502) {
  NewRequest();
  ASSERT_TRUE(Arrive());
  h2->Head(0, 200, false);
  h2->Body(0, "half", false);
  h2->Reset(0, http::h2::H2Error::kInternalError);
  ASSERT_TRUE(Turn([&] { return stream.ended; }));
  EXPECT_EQ(stream.status, 502);
  EXPECT_FALSE(stream.aborted);
  Flushed();
}

// RFC 8441 5: in HTTP/2 any 2xx opens the WebSocket.
struct TunnelAnswer {
  int status;
  int told;
};
class ExchangeH2Tunnel : public ExchangeH2 {
 protected:
  Exchange& NewTunnel(std::string_view host) {
    Exchange& exchange = NewRequest(host);
    exchange.request().method = http::Method::kGet;
    exchange.request().wants_websocket = true;
    exchange.request().body = {};
    return exchange;
  }
};

class ExchangeH2TunnelAnswer : public ExchangeH2Tunnel, public ::testing::WithParamInterface<TunnelAnswer> {};

TEST_P(ExchangeH2TunnelAnswer, OnlyAnAcceptanceOfAnHttp1UpstreamOpensIt) {
  NewTunnel("old.example.com");
  Begin();
  const auto old = old_server.Accept();
  ASSERT_NE(old, nullptr);
  std::string request;
  ASSERT_TRUE(worker.Until([&] { return (request += old->ReceiveNow()).ends_with("\r\n\r\n"); }));
  old->Send("HTTP/1.1 " + std::to_string(GetParam().status) + " X\r\nContent-Length: 4\r\n\r\npage");
  ASSERT_TRUE(worker.Until([&] { return stream.ended; }));
  EXPECT_EQ(stream.status, GetParam().told);
  EXPECT_EQ(stream.heads, 1);
  const bool ours = GetParam().status < 400;
  EXPECT_EQ(stream.body == "page", !ours);
  Flushed();
  EXPECT_EQ(Metric(R"(headgate_proxy_errors_total{route="h1",reason="protocol"})"), ours ? 1 : 0);
}

INSTANTIATE_TEST_SUITE_P(Statuses, ExchangeH2TunnelAnswer,
                         ::testing::Values(TunnelAnswer{200, 502}, TunnelAnswer{206, 502}, TunnelAnswer{302, 502},
                                           TunnelAnswer{400, 400}, TunnelAnswer{404, 404}, TunnelAnswer{503, 503}));

TEST_F(ExchangeH2Tunnel, ARouteThatAnswersByItselfOpensNone) {
  NewTunnel("page.example.com");
  Begin();
  EXPECT_EQ(stream.status, 403);
  Flushed();
  EXPECT_EQ(Metric(R"(headgate_proxy_errors_total{route="page",reason="forbidden"})"), 1);
}

TEST_F(ExchangeH2, ACutAnswerIsAVisibleCut) {
  NewRequest();
  ASSERT_TRUE(Arrive());
  h2->Head(0, 200, false);
  ASSERT_TRUE(Turn([&] { return stream.heads == 1; }));
  h2->Reset(0, http::h2::H2Error::kInternalError);
  ASSERT_TRUE(Turn([&] { return stream.aborted; }));
  EXPECT_FALSE(stream.ended);
  EXPECT_EQ(stream.done, 1);
}

class OwnAnswer : public ExchangeFixture {
 protected:
  bool dressed() const { return stream.header.find("strict-transport-security: max-age=1\n") != std::string::npos; }
};

TEST_F(OwnAnswer, ABodyTooLargeHasTheRoutesFields) {
  NewRequest("dressed.example.com").request().body = {http::BodyKind::kLength, 5};
  Begin();
  EXPECT_EQ(stream.status, 413);
  EXPECT_TRUE(dressed());
  Flushed();
}

TEST_F(OwnAnswer, AFailedUpstreamHasTheRoutesFields) {
  NewRequest("dressed.example.com");
  ASSERT_TRUE(Arrive());
  h2->Reset(0, http::h2::H2Error::kInternalError);
  EXPECT_TRUE(Turn([&] { return stream.heads > 0; }));
  EXPECT_EQ(stream.status, 502);
  EXPECT_TRUE(dressed());
  Flushed();
}

TEST_F(OwnAnswer, ARouteWithoutABackendHasItsFields) {
  NewRequest("nowhere.example.com");
  Begin();
  EXPECT_EQ(stream.status, 500);
  EXPECT_TRUE(dressed());
  Flushed();
}

TEST_F(OwnAnswer, WhatNoRouteTookHasNone) {
  NewRequest("nobody.example.com");
  Begin();
  EXPECT_EQ(stream.status, 404);
  EXPECT_FALSE(dressed());
  Flushed();
}

}  // namespace
}  // namespace headgate::proxy
