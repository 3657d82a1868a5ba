#include "control/pages/message.h"

#include <gtest/gtest.h>

namespace headgate::control::pages {
namespace {

Request Split(const char* target) {
  Request request;
  request.target = target;
  SplitTarget(request);
  return request;
}

TEST(Message, TargetIsSplitAndDecoded) {
  const Request request = Split("/explain%20x?url=http%3A%2F%2Fa%2Fb%3Fc&header=a:+b&header=c&flag");
  EXPECT_EQ(request.path, "/explain x");
  EXPECT_EQ(request.Query("url"), "http://a/b?c");
  EXPECT_EQ(request.Query("header"), "a: b") << "the first of several";
  ASSERT_EQ(request.query.size(), 4U);
  EXPECT_EQ(request.query[3].first, "flag");
  EXPECT_EQ(request.query[3].second, "");
}

TEST(Message, BrokenEscapesStayAsTheyAre) { EXPECT_EQ(Split("/%zz%4").path, "/%zz%4"); }

}  // namespace
}  // namespace headgate::control::pages
