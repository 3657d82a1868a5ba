#include "http/date.h"

#include <gtest/gtest.h>

#include <array>

namespace headgate::http {
namespace {

TEST(HttpDate, IsAnImfFixdate) {
  std::array<char, kDateBytes> text;
  FormatDate(base::WallTime(std::chrono::seconds(784111777)), text);
  EXPECT_EQ(std::string_view(text.data(), text.size()), "Sun, 06 Nov 1994 08:49:37 GMT");
  FormatDate(base::WallTime(std::chrono::seconds(1709251199)), text);
  EXPECT_EQ(std::string_view(text.data(), text.size()), "Thu, 29 Feb 2024 23:59:59 GMT");
}

}  // namespace
}  // namespace headgate::http
