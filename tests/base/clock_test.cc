#include "base/clock.h"

#include <gtest/gtest.h>

namespace headgate::base {
namespace {

TEST(FakeClock, MovesBothTimesByHandOnly) {
  FakeClock clock;
  const Instant before = clock.Now();
  const WallTime wall_before = clock.WallNow();
  EXPECT_EQ(clock.Now(), before);
  clock.Advance(std::chrono::milliseconds(1500));
  EXPECT_EQ(clock.Now() - before, std::chrono::milliseconds(1500));
  EXPECT_EQ(clock.WallNow() - wall_before, std::chrono::milliseconds(1500));
}

TEST(SystemClock, NeverGoesBack) {
  const SystemClock clock;
  const Instant first = clock.Now();
  EXPECT_GE(clock.Now(), first);
  EXPECT_GT(clock.WallNow().time_since_epoch(), std::chrono::hours(24 * 365 * 50));
}

}  // namespace
}  // namespace headgate::base
