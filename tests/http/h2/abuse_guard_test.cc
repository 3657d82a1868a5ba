#include "http/h2/abuse_guard.h"

#include <gtest/gtest.h>

#include "http/h2/limits.h"

namespace headgate::http::h2 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Instant kStart{std::chrono::hours(1)};

// How many are allowed at once.
uint32_t Burst(AbuseGuard& guard, Abuse kind, base::Instant now) {
  uint32_t allowed = 0;
  while (allowed < 100'000 && guard.Allow(kind, now)) ++allowed;
  return allowed;
}

TEST(Http2AbuseGuard, AllowsABurstAndThenSoManyASecond) {
  AbuseGuard guard(100);
  EXPECT_EQ(Burst(guard, Abuse::kPings, kStart), kPings.burst);
  EXPECT_EQ(Burst(guard, Abuse::kPings, kStart + milliseconds(99)), 0u);
  EXPECT_EQ(Burst(guard, Abuse::kPings, kStart + milliseconds(100)), 1u);
  EXPECT_EQ(Burst(guard, Abuse::kPings, kStart + milliseconds(1100)), kPings.per_second);
  EXPECT_EQ(Burst(guard, Abuse::kPings, kStart + seconds(1000)), kPings.burst);
}

TEST(Http2AbuseGuard, ForgetsNoPartOfATick) {
  AbuseGuard guard(100);
  Burst(guard, Abuse::kSettings, kStart);
  uint32_t allowed = 0;
  for (int i = 1; i <= 100; ++i) allowed += guard.Allow(Abuse::kSettings, kStart + milliseconds(100 * i)) ? 1 : 0;
  EXPECT_EQ(allowed, 10 * kSettings.per_second);
}

TEST(Http2AbuseGuard, KindsDoNotShare) {
  AbuseGuard guard(100);
  Burst(guard, Abuse::kPings, kStart);
  EXPECT_EQ(Burst(guard, Abuse::kPriority, kStart), kPriority.burst);
}

TEST(Http2AbuseGuard, AllStreamsMayBeCancelledAtOnce) {
  AbuseGuard few(10);
  EXPECT_EQ(Burst(few, Abuse::kResets, kStart), kResets.burst);
  AbuseGuard many(2500);
  EXPECT_EQ(Burst(many, Abuse::kResets, kStart), 2500u);
}

TEST(Http2AbuseGuard, ForgivesWhatHadAReason) {
  AbuseGuard guard(100);
  Burst(guard, Abuse::kPings, kStart);
  guard.Forgive(Abuse::kPings, 3);
  EXPECT_EQ(Burst(guard, Abuse::kPings, kStart), 3u);
  guard.Forgive(Abuse::kPings, 1'000'000);
  EXPECT_EQ(Burst(guard, Abuse::kPings, kStart), kPings.burst);
}

TEST(Http2AbuseGuard, NoContinuationTooManyIsAllowed) {
  AbuseGuard guard(100);
  EXPECT_FALSE(guard.Allow(Abuse::kContinuation, kStart));
}

}  // namespace
}  // namespace headgate::http::h2
