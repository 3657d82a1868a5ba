#include "http/cookie.h"

#include <gtest/gtest.h>

#include "base/slab.h"

namespace headgate::http {
namespace {

class Cookie : public testing::Test {
 protected:
  base::SlabPool pool_;
  base::Arena arena_{pool_};
  HeaderMap headers_{arena_};
};

TEST_F(Cookie, IsFoundInAnyField) {
  headers_.Add(HeaderId::kCookie, "ab=1; a=2;b=\"3\"");
  headers_.Add(HeaderId::kCookie, "c=; d=x=y");
  EXPECT_EQ(FindCookie(headers_, "a"), "2");
  EXPECT_EQ(FindCookie(headers_, "b"), "\"3\"");
  EXPECT_EQ(FindCookie(headers_, "c"), "");
  EXPECT_EQ(FindCookie(headers_, "d"), "x=y");
  EXPECT_EQ(FindCookie(headers_, "e"), std::nullopt);
  EXPECT_EQ(FindCookie(headers_, "A"), std::nullopt);
}

}  // namespace
}  // namespace headgate::http
