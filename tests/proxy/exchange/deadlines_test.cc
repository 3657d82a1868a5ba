#include "proxy/exchange/deadlines.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

using std::chrono::seconds;

constexpr base::Instant kStart{seconds(100)};

TEST(IdleClock, RunsBetweenStartAndStop) {
  IdleClock clock;
  clock.Move(kStart);
  EXPECT_EQ(clock.deadline(), base::Instant::max()) << "it was not started";
  clock.Start(seconds(10), kStart);
  EXPECT_EQ(clock.deadline(), kStart + seconds(10));
  clock.Move(kStart + seconds(4));
  EXPECT_EQ(clock.deadline(), kStart + seconds(14));
  clock.Stop();
  clock.Move(kStart + seconds(5));
  EXPECT_EQ(clock.deadline(), base::Instant::max());
}

TEST(IdleClock, ATimeoutOfZeroNeverEnds) {
  IdleClock clock;
  clock.Start(seconds(0), kStart);
  EXPECT_EQ(clock.deadline(), base::Instant::max());
}

TEST(IdleClock, AnotherTimeoutCountsFromTheNextMove) {
  IdleClock clock;
  clock.Start(seconds(0), kStart);
  clock.SetTimeout(seconds(3));
  EXPECT_EQ(clock.deadline(), base::Instant::max());
  clock.Move(kStart + seconds(1));
  EXPECT_EQ(clock.deadline(), kStart + seconds(4));
}

TEST(RequestDeadlines, ACallsOwnDeadlineStaysWhereTheRequestsIsLifted) {
  RequestDeadlines deadlines;
  EXPECT_EQ(deadlines.Next(), base::Instant::max());
  deadlines.Limit(kStart + seconds(10));
  deadlines.LimitCall(kStart + seconds(20));
  EXPECT_EQ(deadlines.request(), kStart + seconds(10));
  EXPECT_STREQ(deadlines.Name(kStart + seconds(10), true), "timeouts.request passed while connecting");
  deadlines.KeepOnlyCall();
  EXPECT_EQ(deadlines.Next(), kStart + seconds(20));
  EXPECT_STREQ(deadlines.Name(kStart + seconds(20), false), "grpc-timeout passed");
  deadlines.idle.Start(seconds(5), kStart);
  EXPECT_EQ(deadlines.Next(), kStart + seconds(5));
}

}  // namespace
}  // namespace headgate::proxy
