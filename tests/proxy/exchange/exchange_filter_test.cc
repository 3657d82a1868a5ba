// A request that waits in a filter, seen from its exchange, under a clock that the test turns.
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "tests/proxy/exchange/exchange_fixture.h"

namespace headgate::proxy {
namespace {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;
using std::chrono::seconds;

struct Waits {
  FilterEvents* events = nullptr;
  int abandoned = 0;
  int freed = 0;
};

class Wait final : public FilterWait {
 public:
  explicit Wait(Waits& waits) : waits_(waits) {}
  ~Wait() override { ++waits_.freed; }
  void Abandon() noexcept override { ++waits_.abandoned; }

 private:
  Waits& waits_;
};

class WaitingFilter final : public Filter {
 public:
  explicit WaitingFilter(Waits& waits) : waits_(waits) {}
  FilterResult OnRequest(const FilterContext& context) const override {
    waits_.events = &context.events;
    return FilterResult::Waiting(std::make_unique<Wait>(waits_));
  }

 private:
  Waits& waits_;
};

class ExchangeFilter : public ExchangeFixture {
 protected:
  static constexpr size_t kRoute = 0;
  static constexpr size_t kBuffer = 64 * 1024;  // limits.streamBuffer
  ExchangeFilter() { PutFilter(kRoute, std::make_unique<WaitingFilter>(waits)); }
  void SendBody(size_t bytes, base::End end) {
    base::Chain data;
    data.Append(base::Slice::Unowned(std::string_view(text_).substr(0, bytes)));
    exchange_->OnRequestBody(data, end, nullptr);
    EXPECT_TRUE(data.empty());
  }
  Waits waits;

 private:
  const std::string text_ = std::string(kBuffer, 'x');  // outlives what is on its way
};

TEST_F(ExchangeFilter, NothingIsSentWhileItWaitsAndTheBodyIsBounded) {
  NewRequest();
  Begin();
  EXPECT_EQ(stream.credit, kBuffer);
  SendBody(60, base::End::kNo);
  EXPECT_EQ(stream.credit, kBuffer - 60);
  worker.Settle();
  EXPECT_FALSE(server.HasVisitor());
  EXPECT_EQ(stream.heads, 0);
  exchange_->OnClientError({ErrorCode::kClientClosed, Side::kClient, Retry::kNever, ""});
  EXPECT_EQ(stream.done, 1);
  EXPECT_EQ(waits.abandoned, 1);
  worker.Settle();
  EXPECT_EQ(waits.freed, 1);
}

TEST_F(ExchangeFilter, ItGoesOnWithWhatCameMeanwhile) {
  NewRequest();
  Begin();
  SendBody(60, base::End::kYes);
  EXPECT_EQ(stream.credit, 0U);
  waits.events->OnFilterDone(FilterResult::Continue());
  h2 = AcceptH2();
  ASSERT_NE(h2, nullptr);
  ASSERT_TRUE(Turn([&] { return h2->Has(1) && h2->streams[0]->body.size() == 60; }));
  EXPECT_EQ(waits.abandoned, 0);
  EXPECT_EQ(waits.freed, 1);
  exchange_->OnClientError({ErrorCode::kClientClosed, Side::kClient, Retry::kNever, ""});
}

TEST_F(ExchangeFilter, ARefusalIsItsAnswer) {
  NewRequest();
  Begin();
  waits.events->OnFilterDone(FilterResult::Refused({ErrorCode::kForbidden, Side::kClient, Retry::kNever, "no"}));
  EXPECT_EQ(stream.status, 403);
  EXPECT_EQ(stream.credit, 0U);
  EXPECT_TRUE(stream.discarded);
  Flushed();
  EXPECT_EQ(stream.done, 1);
  EXPECT_EQ(Metric(R"(headgate_proxy_errors_total{route="h2",reason="forbidden"})"), 1);
}

TEST_F(ExchangeFilter, ADeadlineOfTheRequestHoldsWhileItWaits) {
  NewRequest();
  Begin();
  worker.Advance(seconds(29));
  EXPECT_EQ(stream.heads, 0);
  worker.Advance(seconds(2));
  EXPECT_EQ(stream.status, 504);
  EXPECT_EQ(waits.abandoned, 1);
  Flushed();
}

TEST_F(ExchangeFilter, AGrpcDeadlineIsToldByItsStatus) {
  NewCall("shop.example.com", "2S");
  Begin();
  worker.Advance(seconds(3));
  EXPECT_EQ(stream.status, 200);
  EXPECT_NE(stream.header.find("grpc-status: 4\n"), std::string::npos) << stream.header;
  EXPECT_EQ(waits.abandoned, 1);
  Flushed();
}

TEST_F(ExchangeFilter, AnAnswerThatNeverComesIsNotWaitedForForever) {
  constexpr size_t kWithoutDeadline = 1;
  PutFilter(kWithoutDeadline, std::make_unique<WaitingFilter>(waits));
  NewRequest("old.example.com");
  Begin();
  worker.Advance(kFilterWaitMax - seconds(1));
  EXPECT_EQ(stream.heads, 0);
  worker.Advance(seconds(2));
  EXPECT_EQ(stream.status, 504);
  EXPECT_EQ(waits.abandoned, 1);
  Flushed();
}

TEST_F(ExchangeFilter, ItsDeadlineIsNotTheRequestsOnceItWentOn) {
  constexpr size_t kOwnAnswer = 5;
  PutFilter(kOwnAnswer, std::make_unique<WaitingFilter>(waits));
  NewRequest("page.example.com");
  Begin();
  waits.events->OnFilterDone(FilterResult::Continue());
  EXPECT_EQ(stream.status, 200);
  worker.Advance(kFilterWaitMax + seconds(1));
  EXPECT_EQ(stream.done, 0) << "the client reads its answer";
  Flushed();
  EXPECT_EQ(stream.done, 1);
}

TEST_F(ExchangeFilter, AMalformedBodyEndsTheWait) {
  NewRequest();
  Begin();
  exchange_->OnClientError({ErrorCode::kBadRequest, Side::kClient, Retry::kNever, "DATA beyond content-length"});
  EXPECT_TRUE(stream.aborted);
  EXPECT_EQ(stream.done, 1);
  EXPECT_EQ(waits.abandoned, 1);
}

}  // namespace
}  // namespace headgate::proxy
