#include "base/check.h"

#include <gtest/gtest.h>

namespace headgate::base {
namespace {

TEST(Check, LetsATrueExpressionPassAndLooksAtItOnce) {
  int looked = 0;
  HG_CHECK(++looked == 1);
  EXPECT_EQ(looked, 1);
}

TEST(CheckDeathTest, EndsTheProcessAndNamesPlaceAndExpression) {
  const int one = 1;
  EXPECT_DEATH(HG_CHECK(one == 2), "check_test\\.cc:[0-9]+: check failed: one == 2");
}

}  // namespace
}  // namespace headgate::base
