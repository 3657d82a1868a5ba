#include <gtest/gtest.h>

#include "routing/policy/route.h"

namespace headgate::routing {
namespace {

base::IpAddress Ip(std::string_view text) { return *base::IpAddress::Parse(text); }

TEST(Access, DenyWinsOverAllow) {
  AccessPolicy access;
  EXPECT_FALSE(access.restricts());
  EXPECT_TRUE(access.Allows(Ip("1.2.3.4")));
  access.deny = {*base::Cidr::Parse("10.1.0.0/16")};
  EXPECT_TRUE(access.restricts());
  EXPECT_FALSE(access.Allows(Ip("10.1.2.3")));
  EXPECT_FALSE(access.Allows(Ip("::ffff:10.1.2.3")));
  EXPECT_TRUE(access.Allows(Ip("10.2.0.1")));
  access.allow = {*base::Cidr::Parse("10.0.0.0/8"), *base::Cidr::Parse("2001:db8::/32")};
  access.has_allow = true;
  EXPECT_FALSE(access.Allows(Ip("10.1.2.3")));
  EXPECT_TRUE(access.Allows(Ip("10.2.0.1")));
  EXPECT_TRUE(access.Allows(Ip("2001:db8::1")));
  EXPECT_FALSE(access.Allows(Ip("11.0.0.1")));
}

TEST(Access, AnEmptyAllowListLetsNobodyIn) {
  AccessPolicy access;
  access.has_allow = true;
  EXPECT_FALSE(access.Allows(Ip("127.0.0.1")));
}

}  // namespace
}  // namespace headgate::routing
