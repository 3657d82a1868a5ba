#include "base/rng.h"

#include <gtest/gtest.h>

#include <array>

namespace headgate::base {
namespace {

TEST(Rng, FollowsSplitmix64sReferenceSequence) {
  Rng rng(1234567);
  EXPECT_EQ(rng.Next(), 6457827717110365317ULL);
  EXPECT_EQ(rng.Next(), 3203168211198807973ULL);
}

TEST(Rng, DrawsEveryValueBelowTheBoundAboutEquallyOften) {
  Rng rng(1);
  std::array<int, 7> drawn{};
  for (int i = 0; i < 70'000; ++i) ++drawn[rng.Below(drawn.size())];
  for (const int count : drawn) EXPECT_NEAR(count, 10'000, 500);
  EXPECT_EQ(rng.Below(1), 0U);
}

}  // namespace
}  // namespace headgate::base
