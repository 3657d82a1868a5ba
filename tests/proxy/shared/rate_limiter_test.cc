#include "proxy/shared/rate_limiter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/rng.h"

namespace headgate::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class RateLimiterTest : public ::testing::Test {
 protected:
  RateLimiterTest() { clock.Advance(seconds(1000)); }
  RateDecision Take(uint64_t key) { return limiter.Take(key, limit, clock.Now()); }

  base::FakeClock clock;
  RateLimiter limiter;
  RateLimit limit{10, seconds(1), 5};
};

TEST_F(RateLimiterTest, ABurstPassesAtOnceAndSaysWhatIsLeft) {
  for (uint32_t left = 5; left-- > 0;) {
    const RateDecision decision = Take(7);
    EXPECT_TRUE(decision.allowed);
    EXPECT_EQ(decision.remaining, left);
    EXPECT_EQ(decision.reset, milliseconds(100) * (5 - left));
  }
  const RateDecision refused = Take(7);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.remaining, 0u);
  EXPECT_EQ(refused.retry_after, milliseconds(100));
  EXPECT_EQ(refused.reset, milliseconds(500));
}

TEST_F(RateLimiterTest, RetryAfterIsTheMomentAtWhichARequestPasses) {
  for (int i = 0; i < 5; ++i) Take(7);
  clock.Advance(milliseconds(30));
  const RateDecision refused = Take(7);
  EXPECT_EQ(refused.retry_after, milliseconds(70));
  clock.Advance(refused.retry_after - base::Duration(1));
  EXPECT_FALSE(Take(7).allowed);
  clock.Advance(base::Duration(1));
  EXPECT_TRUE(Take(7).allowed);
}

TEST_F(RateLimiterTest, ARefusedRequestCostsNothing) {
  for (int i = 0; i < 5; ++i) Take(7);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(Take(7).allowed);
  clock.Advance(milliseconds(100));
  EXPECT_TRUE(Take(7).allowed);
}

TEST_F(RateLimiterTest, TheRateHoldsOverTime) {
  int allowed = 0;
  for (int i = 0; i < 10'000; ++i) {
    allowed += Take(7).allowed ? 1 : 0;
    clock.Advance(milliseconds(1));
  }
  EXPECT_NEAR(allowed, 10 * 10 + 5, 1);
}

TEST_F(RateLimiterTest, AFractionOfANanosecondDoesNotAddUp) {
  limit = RateLimit(7'000'000, seconds(1), 1'000);
  int allowed = 0;
  for (int i = 0; i < 100'000; ++i) {
    for (int j = 0; j < 10; ++j) allowed += Take(7).allowed ? 1 : 0;
    clock.Advance(base::Duration(1'000));
  }
  EXPECT_NEAR(allowed, 701'000, 701);
}

TEST_F(RateLimiterTest, KeysDoNotShareTheirAllowance) {
  for (int i = 0; i < 6; ++i) Take(7);
  EXPECT_FALSE(Take(7).allowed);
  EXPECT_TRUE(Take(8).allowed);
  EXPECT_TRUE(Take(0).allowed);
}

TEST_F(RateLimiterTest, AKeyIsOfItsTextAndItsLimitAndNobodyKnowsIt) {
  EXPECT_EQ(limiter.KeyOf("a", 1), limiter.KeyOf("a", 1));
  EXPECT_NE(limiter.KeyOf("a", 1), limiter.KeyOf("b", 1));
  EXPECT_NE(limiter.KeyOf("a", 1), limiter.KeyOf("a", 2));
  EXPECT_NE(limiter.KeyOf("a", 1), RateLimiter(1).KeyOf("a", 1)) << "the seed is random";
}

TEST_F(RateLimiterTest, LongPeriodsAndLargeBurstsDoNotOverflow) {
  limit = RateLimit(1, std::chrono::hours(24 * 365), 4'000'000'000);
  EXPECT_TRUE(Take(7).allowed);
  limit = RateLimit(1, std::chrono::hours(24 * 365), 1);
  EXPECT_TRUE(Take(8).allowed);
  EXPECT_FALSE(Take(8).allowed);
}

TEST_F(RateLimiterTest, AHundredThousandKeysKeepTheirCountInLessThanEightMegabytes) {
  EXPECT_LT(limiter.bytes(), 8u * 1024 * 1024);
  limit = RateLimit(1, std::chrono::hours(1), 1);
  constexpr int kKeys = 100'000;
  base::Rng keys(1);
  int first = 0;
  for (int i = 0; i < kKeys; ++i) first += Take(keys.Next()).allowed ? 1 : 0;
  EXPECT_EQ(first, kKeys);
  base::Rng again(1);
  int forgotten = 0;
  for (int i = 0; i < kKeys; ++i) forgotten += Take(again.Next()).allowed ? 1 : 0;
  EXPECT_LT(forgotten, kKeys / 500);
}

TEST_F(RateLimiterTest, ABusyKeyIsRememberedWhileMillionsOfOthersPass) {
  limit = RateLimit(1'000, seconds(1), 1'000);
  base::Rng keys(1);
  constexpr int kKeys = 10'000'000;
  int allowed = 0;
  for (int i = 0; i < kKeys; ++i) {
    Take(keys.Next());
    if (i % 1'000 == 0) allowed += Take(7).allowed ? 1 : 0;
    if (i % 5'000 == 0) clock.Advance(milliseconds(1));
  }
  // 2 s pass: 10,000 requests where 3,000 may pass. A key that is forgotten starts anew.
  EXPECT_NEAR(allowed, 3'000, 60);
  EXPECT_LT(limiter.bytes(), 8u * 1024 * 1024);
}

TEST_F(RateLimiterTest, FourThreadsTogetherGetWhatOneWouldGet) {
  limit = RateLimit(10'000, seconds(1), 100);
  constexpr int kThreads = 4;
  constexpr int64_t kSteps = 4'000;  // of 1 ms
  const base::Instant start = clock.Now();
  std::atomic<int64_t> step{0};
  std::atomic<int> allowed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      int mine = 0;
      for (int64_t now = step.load(); now < kSteps; now = step.load()) {
        for (int j = 0; j < 20; ++j) mine += limiter.Take(7, limit, start + milliseconds(now)).allowed ? 1 : 0;
        step.compare_exchange_strong(now, now + 1);
      }
      allowed += mine;
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double expected = 10'000.0 * kSteps / 1000 + 100;
  EXPECT_NEAR(allowed.load(), expected, expected * 0.02);
}

TEST_F(RateLimiterTest, ThreadsThatCrowdOneBucketNeverLetTooMuchThrough) {
  RateLimiter small(1);
  limit = RateLimit(1, seconds(1), 50);
  std::atomic<int> allowed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 4'000; ++j) allowed += small.Take(1 + (j % 6), limit, clock.Now()).allowed ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_NEAR(allowed.load(), 6 * 50, 6) << "six keys have room in one bucket";
}

}  // namespace
}  // namespace headgate::proxy
