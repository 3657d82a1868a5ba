#include "proxy/downstream/progress_clock.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ProgressClockTest : public ::testing::Test {
 protected:
  base::Instant now_{std::chrono::hours(1)};
};

TEST_F(ProgressClockTest, SilenceForTheIdleTimeExpires) {
  ProgressClock clock(seconds(15), 0);
  clock.Start(now_);
  EXPECT_EQ(clock.Deadline(), now_ + seconds(15));
  EXPECT_FALSE(clock.Expired(now_ + milliseconds(14'999)));
  clock.Progress(now_ + seconds(10), 1);
  EXPECT_FALSE(clock.Expired(now_ + seconds(20)));
  EXPECT_TRUE(clock.Expired(now_ + seconds(25)));
}

TEST_F(ProgressClockTest, ADripBelowTheRateExpiresAfterAWindow) {
  ProgressClock clock(seconds(15), 240);
  clock.Start(now_);
  for (int second = 1; second < 30; ++second) {
    clock.Progress(now_ + seconds(second), 100);
    ASSERT_FALSE(clock.Expired(now_ + seconds(second))) << second;
  }
  EXPECT_TRUE(clock.Expired(now_ + seconds(30)));
}

TEST_F(ProgressClockTest, WhoKeepsTheRateGetsAnotherWindow) {
  ProgressClock clock(seconds(15), 240);
  clock.Start(now_);
  for (int second = 1; second <= 120; ++second) {
    clock.Progress(now_ + seconds(second), 300);
    ASSERT_FALSE(clock.Expired(now_ + seconds(second))) << second;
  }
}

// As the timer of its owner does.
base::Instant RunUntilExpired(ProgressClock& clock, base::Instant now) {
  for (int part = 0; part < 100; ++part) {
    now = std::max(now, clock.Deadline());
    if (clock.Expired(now)) return now;
  }
  return now;
}

TEST_F(ProgressClockTest, ABurstBeforeAnybodyWaitedCountsForNothing) {
  ProgressClock clock(base::Duration{0}, 1024);
  clock.Progress(now_, 4 << 20U);
  clock.Start(now_);
  EXPECT_EQ(RunUntilExpired(clock, now_), now_ + seconds(30));
}

TEST_F(ProgressClockTest, ABurstCountsNoLongerThanAWindow) {
  for (const int burst_ms : {1, 2500, 4999, 5001, 17'000, 29'000}) {
    ProgressClock clock(base::Duration{0}, 1024);
    clock.Start(now_);
    const base::Instant burst = now_ + milliseconds(burst_ms);
    while (clock.Deadline() < burst) ASSERT_FALSE(clock.Expired(clock.Deadline()));
    clock.Progress(burst, 4 << 20U);
    const base::Instant expired = RunUntilExpired(clock, burst);
    EXPECT_GE(expired, burst + seconds(30)) << burst_ms;
    EXPECT_LE(expired, burst + seconds(35)) << burst_ms;
  }
}

TEST_F(ProgressClockTest, TimeThatIsNotThePeersDoesNotCount) {
  ProgressClock clock(seconds(15), 240);
  clock.Start(now_);
  clock.Progress(now_ + seconds(5), 500);
  clock.Stop(now_ + seconds(5));
  EXPECT_EQ(clock.Deadline(), base::Instant::max());
  EXPECT_FALSE(clock.Expired(now_ + std::chrono::hours(2)));
  clock.Start(now_ + std::chrono::hours(2));
  EXPECT_FALSE(clock.Expired(now_ + std::chrono::hours(2) + seconds(14)));
  EXPECT_EQ(clock.Deadline(), now_ + std::chrono::hours(2) + seconds(15));
}

TEST_F(ProgressClockTest, NoLimitsNeverExpire) {
  ProgressClock clock(base::Duration{0}, 0);
  clock.Start(now_);
  EXPECT_EQ(clock.Deadline(), base::Instant::max());
  EXPECT_FALSE(clock.Expired(now_ + std::chrono::hours(24)));
}

}  // namespace
}  // namespace headgate::proxy
