#include "control/reload_text.h"

#include <gtest/gtest.h>

namespace headgate::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(TimeText, HasMillisecondsAndMayLieBeforeNineteenSeventy) {
  EXPECT_EQ(TimeText(base::WallTime(milliseconds(1'700'000'000'012))), "2023-11-14T22:13:20.012Z");
  EXPECT_EQ(TimeText(base::WallTime(milliseconds(-1))), "1969-12-31T23:59:59.999Z");
}

TEST(TimeText, OfSecondsGoesBeyondTheClocksYears) {
  EXPECT_EQ(TimeText(std::chrono::sys_seconds(seconds(253'402'300'799))), "9999-12-31T23:59:59.000Z");
  EXPECT_EQ(TimeText(std::chrono::sys_seconds(seconds(-12'219'292'800))), "1582-10-15T00:00:00.000Z");
}

}  // namespace
}  // namespace headgate::control
