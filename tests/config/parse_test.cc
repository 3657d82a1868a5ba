#include "config/parse.h"

#include <gtest/gtest.h>

#include <chrono>

namespace headgate::config {
namespace {

TEST(ParseCount, TakesDecimalsOnly) {
  EXPECT_EQ(ParseCount("0"), 0U);
  EXPECT_EQ(ParseCount("18446744073709551615"), 18446744073709551615U);
  for (const char* bad : {"", "010", "00", "+1", "-1", " 1", "1 ", "0x1", "1e3", "1.0", "18446744073709551616"}) {
    EXPECT_FALSE(ParseCount(bad)) << bad;
  }
}

TEST(ParseDuration, NeedsOneCountAndOneUnit) {
  EXPECT_EQ(ParseDuration("250ms"), Duration(std::chrono::milliseconds(250)));
  EXPECT_EQ(ParseDuration("5s"), Duration(std::chrono::seconds(5)));
  EXPECT_EQ(ParseDuration("10m"), Duration(std::chrono::minutes(10)));
  EXPECT_EQ(ParseDuration("1h"), Duration(std::chrono::hours(1)));
  EXPECT_EQ(ParseDuration("0s"), Duration(std::chrono::seconds(0)));
  for (const char* bad : {"", "5", "s", "5 s", "1.5s", "-5s", "05s", "5S", "1h30m", "5us", "99999999999999h", "none"}) {
    EXPECT_FALSE(ParseDuration(bad)) << bad;
  }
}

TEST(ParseSize, UnitsAreBinaryAndOverflowIsRefused) {
  EXPECT_EQ(ParseSize("512"), 512U);
  EXPECT_EQ(ParseSize("64KiB"), 65536U);
  EXPECT_EQ(ParseSize("10MiB"), 10485760U);
  EXPECT_EQ(ParseSize("2GiB"), 2147483648U);
  for (const char* bad : {"", "KiB", "64kB", "64K", "64 KiB", "1.5MiB", "064KiB", "-1", "9999999999999GiB"}) {
    EXPECT_FALSE(ParseSize(bad)) << bad;
  }
}

TEST(ParsePercent, IsExactToFourDecimals) {
  EXPECT_EQ(ParsePercent("20%")->ppm, 200'000U);
  EXPECT_EQ(ParsePercent("0.25%")->ppm, 2'500U);
  EXPECT_EQ(ParsePercent("0.0001%")->ppm, 1U);
  EXPECT_EQ(ParsePercent("100%")->ppm, 1'000'000U);
  for (const char* bad : {"", "20", "%", "101%", "100.1%", "-1%", "020%", "1.%", "1.00001%", "20 %"}) {
    EXPECT_FALSE(ParsePercent(bad)) << bad;
  }
}

TEST(ParseHostPort, TellsNamesFromAddresses) {
  const auto name = ParseHostPort("Shop.Example.:80");
  ASSERT_TRUE(name);
  EXPECT_TRUE(name->IsName());
  EXPECT_EQ(name->ToString(), "shop.example:80");
  const auto v6 = ParseHostPort("[::1]:8080");
  ASSERT_TRUE(v6);
  EXPECT_FALSE(v6->IsName());
  EXPECT_TRUE(v6->IsLoopback());
  EXPECT_EQ(ParseHostPort("10.0.0.1:80")->ToString(), "10.0.0.1:80");
  for (const char* bad : {"", "shop", ":80", "shop:", "shop:0", "shop:65536", "shop:080", "::1:80", "[::1]", "a b:80",
                          "1.2.3.400:80", "user@shop:80", "[shop]:80"}) {
    EXPECT_FALSE(ParseHostPort(bad)) << bad;
  }
}

TEST(IsRouteHostname, TakesNamesWildcardsAndAddresses) {
  for (const char* good : {"shop.example.com", "*.shop.example.com", "a", "a-b.c", "_acme.x", "10.0.0.1", "[::1]",
                           "::1", "x.example.", "xn--bcher-kva.example"}) {
    EXPECT_TRUE(IsRouteHostname(good)) << good;
  }
  const std::string long_label(64, 'a');
  for (const std::string& bad : {std::string(), std::string("*"), std::string("*."), std::string("*.*.a"),
                                 std::string("a.*"), std::string("*a.b"), std::string("a..b"), std::string(".a"),
                                 std::string("-a"), std::string("a-"), std::string("a:80"), std::string("http://a"),
                                 std::string("b\xc3\xbc.example"), std::string("1.2.3"), long_label}) {
    EXPECT_FALSE(IsRouteHostname(bad)) << bad;
  }
}

TEST(IsHeaderValue, HasNoLineBreaksAndNoSpaceAtItsEnds) {
  EXPECT_TRUE(IsHeaderValue(""));
  EXPECT_TRUE(IsHeaderValue("a b\tc"));
  for (const std::string& bad : {std::string("a\r\nb"), std::string("a\nb"), std::string(" a"), std::string("a "),
                                 std::string("a\0b", 3), std::string("\x7f")}) {
    EXPECT_FALSE(IsHeaderValue(bad));
  }
}

TEST(IsToken, IsTheOneOfRfc9110) {
  EXPECT_TRUE(IsToken("x-a!#$%&'*+-.^_`|~09AZ"));
  for (const char* bad : {"", "a b", "a:", "a\"", "(a)", "a/b", "a\xc3\xa4"}) EXPECT_FALSE(IsToken(bad)) << bad;
}

TEST(PathProblem, RefusesWhatNoNormalisedRequestHas) {
  for (const char* good : {"/", "/a", "/a/", "/a.b/..c", "/%2F", "/a:b@c", "/\xc3\xa4"}) {
    EXPECT_EQ(PathProblem(good), "") << good;
  }
  for (const char* bad : {"", "a", "/a b", "/a?b", "/a#b", "/a\\b", "//", "/a//b", "/./a", "/a/..", "/a/.", "/\x01",
                          "/a/%2e%2E/b", "/.%2e"}) {
    EXPECT_NE(PathProblem(bad), "") << bad;
  }
}

TEST(ResolvePath, NormalisesAndStartsAtTheFolder) {
  EXPECT_EQ(ResolvePath("/etc/hg", "tls/../a.crt"), "/etc/hg/a.crt");
  EXPECT_EQ(ResolvePath("/etc/hg", "../a.crt"), "/etc/a.crt");
  EXPECT_EQ(ResolvePath("/etc/hg", "/run/a.crt"), "/run/a.crt");
  EXPECT_EQ(ResolvePath("/etc/hg/", "sub/"), "/etc/hg/sub");
  EXPECT_EQ(ResolvePath("", "../a"), "../a");
}

TEST(IsInside, ComparesWholeSegments) {
  EXPECT_TRUE(IsInside("/etc/hg/a", "/etc/hg"));
  EXPECT_TRUE(IsInside("/etc/hg", "/etc/hg"));
  EXPECT_TRUE(IsInside("/a", "/"));
  EXPECT_TRUE(IsInside("a/b", ""));
  EXPECT_FALSE(IsInside("/etc/hgx/a", "/etc/hg"));
  EXPECT_FALSE(IsInside("/etc", "/etc/hg"));
  EXPECT_FALSE(IsInside("../a", ""));
  EXPECT_FALSE(IsInside("/a", ""));
}

}  // namespace
}  // namespace headgate::config
