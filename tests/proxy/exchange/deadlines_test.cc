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

}  // namespace
}  // namespace headgate::proxy
