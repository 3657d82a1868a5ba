#include "app/memory_guard.h"

#include <gtest/gtest.h>

#include <vector>

namespace headgate::app {
namespace {

TEST(MemoryLimitTest, WhatIsConfiguredWinsOverTheCgroup) {
  EXPECT_EQ(MemoryLimit::BytesOf(1000, 500), 1000U);
  EXPECT_EQ(MemoryLimit::BytesOf(0, 500), MemoryLimit::kNone);
  EXPECT_EQ(MemoryLimit::BytesOf({}, 1000), 850U);
  EXPECT_EQ(MemoryLimit::BytesOf({}, {}), MemoryLimit::kNone);
}

TEST(MemoryLimitTest, ComesBackOnlyClearlyBelow) {
  MemoryLimit limit;
  EXPECT_FALSE(limit.Update(1000, 1000));
  EXPECT_TRUE(limit.Update(1001, 1000));
  EXPECT_TRUE(limit.Update(960, 1000));
  EXPECT_FALSE(limit.Update(950, 1000));
  EXPECT_FALSE(limit.Update(999, 1000));
}

TEST(MemoryLimitTest, ALimitThatIsTakenAwayHoldsNobodyBack) {
  MemoryLimit limit;
  EXPECT_TRUE(limit.Update(2000, 1000));
  EXPECT_FALSE(limit.Update(2000, MemoryLimit::kNone));
}

TEST(MemoryGuardTest, TellsOfEachChange) {
  boost::asio::io_context io;
  std::vector<bool> told;
  MemoryGuard guard(io, [&told](bool full) { told.push_back(full); });
  EXPECT_TRUE(told.empty());
  guard.SetLimit(1024 * 1024);
  io.run_for(std::chrono::milliseconds(350));
  EXPECT_EQ(told, std::vector<bool>({true}));
  guard.SetLimit(0);
  EXPECT_EQ(guard.limit(), 0U);
  io.run_for(std::chrono::milliseconds(350));
  EXPECT_EQ(told, std::vector<bool>({true, false}));
}

}  // namespace
}  // namespace headgate::app
