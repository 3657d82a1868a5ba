// A rate limit seen from its exchange, under a clock that the test turns.
#include "proxy/filters/rate_limit.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/proxy/exchange/exchange_fixture.h"

namespace headgate::proxy {
namespace {

using std::chrono::seconds;

class RateLimitFilterTest : public ExchangeFixture {
 protected:
  static constexpr size_t kPage = 5;  // answers by itself

  RateLimitFilterTest() {
    policy_.name = "page";
    policy_.rate_limit.requests = 2;
    policy_.rate_limit.per = seconds(10);
    policy_.rate_limit.burst = 2;
    stream.info.peer = *base::IpAddress::Parse("192.0.2.1");
  }
  void Limit() { PutFilter(kPage, std::make_unique<Judge>(policy_, series_->rate_limited)); }
  uint16_t Ask(std::string_view client = "192.0.2.1", std::string_view key = {}, bool grpc = false) {
    stream = FakeStream();
    stream.info.peer = *base::IpAddress::Parse(client);
    grpc ? NewCall("page.example.com") : NewRequest("page.example.com");
    if (!key.empty()) exchange_->request().headers.Add(http::HeaderId::kOther, "x-key", key);
    Begin();
    const uint16_t status = stream.status;
    Flushed();
    return status;
  }
  // The snapshot's policy is compiled without a limit: the filter is given this one.
  class Judge final : public Filter {
   public:
    Judge(const routing::RoutePolicy& route, metrics::CounterId limited) : route_(route), filter_(route, limited) {}
    FilterResult OnRequest(const FilterContext& context) const override {
      return filter_.OnRequest({.head = context.head,
                                .connection = context.connection,
                                .client = context.client,
                                .route = route_,
                                .request_id = context.request_id,
                                .arena = context.arena,
                                .worker = context.worker,
                                .events = context.events});
    }

   private:
    const routing::RoutePolicy& route_;
    RateLimitFilter filter_;
  };

  routing::RoutePolicy policy_;
  std::shared_ptr<const metrics::RouteSeries> series_ = worker.registry.Route("page", {});
};

TEST_F(RateLimitFilterTest, Answers429AndWhenToComeAgain) {
  Limit();
  EXPECT_EQ(Ask(), 200);
  EXPECT_EQ(Ask(), 200);
  EXPECT_EQ(Ask(), 429);
  EXPECT_NE(stream.header.find("retry-after: 5\n"), std::string::npos) << stream.header;
  EXPECT_NE(stream.header.find("ratelimit-policy: \"default\";q=2;w=10\n"), std::string::npos) << stream.header;
  EXPECT_NE(stream.header.find("ratelimit: \"default\";r=0;t=10\n"), std::string::npos) << stream.header;
  EXPECT_EQ(Metric(R"(headgate_rate_limited_total{route="page"})"), 1);
  EXPECT_EQ(Metric(R"(headgate_proxy_errors_total{route="page",reason="rate_limited"})"), 1);
  worker.Advance(seconds(5));
  EXPECT_EQ(Ask(), 200);
  EXPECT_EQ(Ask(), 429);
}

TEST_F(RateLimitFilterTest, AClientIsItsAddressAndOfIpv6ItsNetwork) {
  policy_.rate_limit.burst = 1;
  Limit();
  EXPECT_EQ(Ask("192.0.2.1"), 200);
  EXPECT_EQ(Ask("192.0.2.1"), 429);
  EXPECT_EQ(Ask("192.0.2.2"), 200);
  EXPECT_EQ(Ask("2001:db8:0:1::1"), 200);
  EXPECT_EQ(Ask("2001:db8:0:1:ffff::2"), 429);
  EXPECT_EQ(Ask("2001:db8:0:2::1"), 200);
}

TEST_F(RateLimitFilterTest, CountsByHeaderAndThoseWithoutItTogether) {
  policy_.rate_limit.burst = 1;
  policy_.rate_limit.by = routing::RateLimitPolicy::By::kHeader;
  policy_.rate_limit.header = "x-key";
  Limit();
  EXPECT_EQ(Ask("192.0.2.1", "anna"), 200);
  EXPECT_EQ(Ask("192.0.2.2", "anna"), 429);
  EXPECT_EQ(Ask("192.0.2.1", "ben"), 200);
  EXPECT_EQ(Ask("192.0.2.1"), 200);
  EXPECT_EQ(Ask("192.0.2.2"), 429);
}

TEST_F(RateLimitFilterTest, CountsByRoute) {
  policy_.rate_limit.burst = 1;
  policy_.rate_limit.by = routing::RateLimitPolicy::By::kRoute;
  Limit();
  EXPECT_EQ(Ask("192.0.2.1", "anna"), 200);
  EXPECT_EQ(Ask("192.0.2.2", "ben"), 429);
}

TEST_F(RateLimitFilterTest, LetsSomeClientsPass) {
  policy_.rate_limit.burst = 1;
  policy_.rate_limit.except = {*base::Cidr::Parse("10.0.0.0/8")};
  Limit();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Ask("10.1.2.3"), 200);
  EXPECT_EQ(Ask(), 200);
  EXPECT_EQ(Ask(), 429);
  EXPECT_EQ(Metric(R"(headgate_rate_limited_total{route="page"})"), 1);
}

TEST_F(RateLimitFilterTest, ADryRunOnlyCounts) {
  policy_.rate_limit.dry_run = true;
  Limit();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Ask(), 200);
  EXPECT_EQ(Metric(R"(headgate_rate_limited_total{route="page"})"), 3);
}

TEST_F(RateLimitFilterTest, AGrpcClientGetsResourceExhausted) {
  policy_.rate_limit.burst = 1;
  Limit();
  Ask("192.0.2.1", {}, true);
  EXPECT_EQ(Ask("192.0.2.1", {}, true), 200);
  EXPECT_NE(stream.header.find("grpc-status: 8\n"), std::string::npos) << stream.header;
}

}  // namespace
}  // namespace headgate::proxy
