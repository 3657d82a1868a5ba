#include "proxy/exchange/retry_decision.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

using base::ErrorCode;
using base::Retry;
using base::Side;

routing::RetryPolicy Everything() {
  routing::RetryPolicy policy;
  policy.on_reset = true;
  policy.on_timeout = true;
  policy.on_status.set(503);
  for (const http::Method method : {http::Method::kGet, http::Method::kHead, http::Method::kOptions}) {
    policy.methods.set(static_cast<size_t>(method));
  }
  return policy;
}

RetryQuestion Failed(ErrorCode code, http::Method method = http::Method::kGet, Retry retry = Retry::kNever) {
  RetryQuestion question;
  question.error = {code, Side::kUpstream, retry, ""};
  question.method = method;
  return question;
}

TEST(RetryDecision, ARefusedConnectionIsTriedAgainForEveryMethod) {
  EXPECT_EQ(DecideRetry(Everything(), Failed(ErrorCode::kConnectRefused, http::Method::kPost)), RetryVerdict::kYes);
  EXPECT_EQ(DecideRetry(Everything(), Failed(ErrorCode::kConnectTimeout)), RetryVerdict::kYes);
}

TEST(RetryDecision, APostThatMayHaveArrivedIsNeverSentTwice) {
  for (const ErrorCode code : {ErrorCode::kUpstreamReset, ErrorCode::kUpstreamTimeout, ErrorCode::kConnectTimeout}) {
    RetryQuestion question = Failed(code, http::Method::kPost);
    question.any_byte_sent = true;
    EXPECT_EQ(DecideRetry(Everything(), question), RetryVerdict::kNo);
  }
  RetryQuestion by_status = Failed(ErrorCode::kNone, http::Method::kPost);
  by_status.status = 503;
  by_status.any_byte_sent = true;
  EXPECT_EQ(DecideRetry(Everything(), by_status), RetryVerdict::kNo);
}

TEST(RetryDecision, AStaleConnectionIsWorthOneRetryThatDoesNotCount) {
  routing::RetryPolicy connect_only = Everything();
  connect_only.on_reset = false;
  connect_only.attempts = 1;
  RetryQuestion question = Failed(ErrorCode::kUpstreamReset, http::Method::kGet, Retry::kIfReused);
  question.any_byte_sent = true;
  question.retries_done = 1;
  EXPECT_EQ(DecideRetry(connect_only, question), RetryVerdict::kStale);
  question.stale_retry_done = true;
  EXPECT_EQ(DecideRetry(connect_only, question), RetryVerdict::kNo);
}

TEST(RetryDecision, WhatWasNotBegunTwiceIsThePolicysToRepeat) {
  RetryQuestion question = Failed(ErrorCode::kUpstreamReset, http::Method::kPost, Retry::kIfReused);
  question.stale_retry_done = true;
  EXPECT_EQ(DecideRetry(Everything(), question), RetryVerdict::kYes);
  question.retries_done = Everything().attempts;
  EXPECT_EQ(DecideRetry(Everything(), question), RetryVerdict::kNo);
}

TEST(RetryDecision, AStaleConnectionThatTookBytesIsRetriedOnlyWhereThePolicyAllowsThat) {
  RetryQuestion question = Failed(ErrorCode::kUpstreamReset, http::Method::kDelete, Retry::kIfReused);
  question.any_byte_sent = true;
  EXPECT_EQ(DecideRetry(Everything(), question), RetryVerdict::kNo) << "not among the methods";
  routing::RetryPolicy none = Everything();
  none.attempts = 0;
  question.method = http::Method::kGet;
  EXPECT_EQ(DecideRetry(none, question), RetryVerdict::kNo);
  question.any_byte_sent = false;
  EXPECT_EQ(DecideRetry(none, question), RetryVerdict::kStale) << "nothing reached the upstream";
  question.method = http::Method::kPost;
  question.any_byte_sent = true;
  routing::RetryPolicy post = Everything();
  post.methods.set(static_cast<size_t>(http::Method::kPost));
  post.on_reset = false;
  EXPECT_EQ(DecideRetry(post, question), RetryVerdict::kNo);
}

TEST(RetryDecision, AStaleConnectionThatTookBytesOfAPostIsNotRetried) {
  RetryQuestion question = Failed(ErrorCode::kUpstreamReset, http::Method::kPost, Retry::kIfReused);
  question.any_byte_sent = true;
  EXPECT_EQ(DecideRetry(Everything(), question), RetryVerdict::kNo);
  question.any_byte_sent = false;
  EXPECT_EQ(DecideRetry(Everything(), question), RetryVerdict::kStale);
}

TEST(RetryDecision, WhatAnUpstreamHasNotBegunWithIsTriedAgainAsIfItHadNotBeenReached) {
  RetryQuestion question = Failed(ErrorCode::kUpstreamReset, http::Method::kPost, Retry::kSafe);
  question.any_byte_sent = true;
  EXPECT_EQ(DecideRetry(routing::RetryPolicy{}, question), RetryVerdict::kYes) << "connectFailure is the default";
  routing::RetryPolicy none;
  none.attempts = 0;
  EXPECT_EQ(DecideRetry(none, question), RetryVerdict::kNo);
  question.error.retry = Retry::kNever;
  EXPECT_EQ(DecideRetry(Everything(), question), RetryVerdict::kNo) << "it may have acted on it";
}

TEST(RetryDecision, AResetIsNoReasonOnceAByteOfTheResponseCame) {
  RetryQuestion question = Failed(ErrorCode::kUpstreamReset);
  question.any_byte_sent = true;
  EXPECT_EQ(DecideRetry(Everything(), question), RetryVerdict::kYes);
  question.any_byte_received = true;
  EXPECT_EQ(DecideRetry(Everything(), question), RetryVerdict::kNo);
}

TEST(RetryDecision, OnlyWhatThePolicyNamesIsRetried) {
  routing::RetryPolicy connect_only;
  connect_only.on_reset = false;
  EXPECT_EQ(DecideRetry(connect_only, Failed(ErrorCode::kUpstreamReset)), RetryVerdict::kNo);
  EXPECT_EQ(DecideRetry(connect_only, Failed(ErrorCode::kUpstreamTimeout)), RetryVerdict::kNo);
  EXPECT_EQ(DecideRetry(Everything(), Failed(ErrorCode::kUpstreamReset)), RetryVerdict::kYes);
  EXPECT_EQ(DecideRetry(Everything(), Failed(ErrorCode::kUpstreamProtocol)), RetryVerdict::kNo);
  RetryQuestion by_status = Failed(ErrorCode::kNone);
  by_status.status = 503;
  EXPECT_EQ(DecideRetry(Everything(), by_status), RetryVerdict::kYes);
  by_status.status = 500;
  EXPECT_EQ(DecideRetry(Everything(), by_status), RetryVerdict::kNo);
}

TEST(RetryDecision, AttemptsAreBounded) {
  RetryQuestion question = Failed(ErrorCode::kConnectRefused);
  question.retries_done = Everything().attempts;
  EXPECT_EQ(DecideRetry(Everything(), question), RetryVerdict::kNo);
}

TEST(RetryDecision, ABodyThatIsGoneCannotBeSentAgain) {
  RetryQuestion question = Failed(ErrorCode::kConnectRefused);
  question.body_replayable = false;
  EXPECT_EQ(DecideRetry(Everything(), question), RetryVerdict::kNo);
}

TEST(RetryDecision, BackoffGrowsAndStaysBelowASecond) {
  routing::RetryPolicy policy;
  policy.backoff = std::chrono::milliseconds(25);
  base::Rng rng(1);
  for (uint32_t retry = 0; retry < 40; ++retry) {
    const base::Duration ceiling =
        std::min<base::Duration>(std::chrono::seconds(1), policy.backoff * (int64_t{1} << std::min(retry, 10U)));
    for (int i = 0; i < 50; ++i) {
      const base::Duration backoff = BackoffBefore(policy, retry, rng);
      EXPECT_GE(backoff.count(), 0);
      EXPECT_LE(backoff, ceiling);
    }
  }
}

TEST(RetryDecision, ABackoffBeyondASecondIsTheCeilingItself) {
  routing::RetryPolicy policy;
  policy.backoff = std::chrono::seconds(30);
  base::Rng rng(1);
  base::Duration longest{0};
  for (uint32_t i = 0; i < 100; ++i) longest = std::max(longest, BackoffBefore(policy, i % 3, rng));
  EXPECT_GT(longest, std::chrono::seconds(10));
  EXPECT_LE(longest, policy.backoff);
}

TEST(RetryDecision, WithoutABackoffNothingIsWaitedFor) {
  routing::RetryPolicy policy;
  base::Rng rng(1);
  policy.backoff = base::Duration{0};
  EXPECT_EQ(BackoffBefore(policy, 3, rng).count(), 0);
}

}  // namespace
}  // namespace headgate::proxy
