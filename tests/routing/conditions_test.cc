#include "routing/conditions.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/rng.h"
#include "http/uri.h"
#include "tests/routing/request.h"

namespace headgate::routing {
namespace {

ValueCondition Exact(std::string name, std::string value) {
  return {ValueCondition::Kind::kExact, http::InternHeader(name), std::move(name), std::move(value), {}};
}

bool Fulfilled(const ValueCondition& condition, std::string_view query) {
  TestRequest request("h", "/");
  request.head.query = query;
  return QueryFulfils(condition, request.head);
}

TEST(Conditions, AnyFieldOfTheNameWillDo) {
  TestRequest request("h", "/");
  request.With("x-a", "1").With("x-a", "2").With("accept", "text/html");
  EXPECT_TRUE(HeaderFulfils(Exact("x-a", "2"), request.head));
  EXPECT_FALSE(HeaderFulfils(Exact("x-a", "1,2"), request.head));
  EXPECT_FALSE(HeaderFulfils(Exact("x-b", "1"), request.head));
  EXPECT_TRUE(HeaderFulfils(Exact("accept", "text/html"), request.head)) << "a name of the table";
  EXPECT_TRUE(HeaderFulfils(Exact("host", "h"), request.head));
}

TEST(Conditions, QueryParametersAreComparedDecodedAndTheFirstCounts) {
  EXPECT_TRUE(Fulfilled(Exact("v", "2"), "a=b&v=2"));
  EXPECT_TRUE(Fulfilled(Exact("a b", "c d"), "a%20b=c+d"));
  EXPECT_TRUE(Fulfilled(Exact("a=b", "c&d"), "a%3Db=c%26d"));
  EXPECT_FALSE(Fulfilled(Exact("v", "2"), "v=1&v=2"));
  EXPECT_FALSE(Fulfilled(Exact("v", "2"), "vv=2&=2&&"));
  EXPECT_TRUE(Fulfilled(Exact("v", ""), "v"));
  EXPECT_TRUE(Fulfilled(Exact("v", "%zz"), "v=%zz")) << "a broken escape stays";
  ValueCondition present = Exact("v", "");
  present.kind = ValueCondition::Kind::kPresent;
  EXPECT_TRUE(Fulfilled(present, "x&v"));
  ValueCondition pattern = present;
  pattern.kind = ValueCondition::Kind::kRegex;
  pattern.regex = Regex::Compile("[a-c]+").value();
  EXPECT_TRUE(Fulfilled(pattern, "v=a%62c"));
  EXPECT_FALSE(Fulfilled(pattern, "v=abcd"));
}

TEST(Conditions, APatternSeesAllOfALongValue) {
  ValueCondition pattern = Exact("v", "");
  pattern.kind = ValueCondition::Kind::kRegex;
  pattern.regex = Regex::Compile("a+").value();
  for (const size_t size : {8192U, 8193U, 20'000U}) {
    const std::string value(size, 'a');
    EXPECT_TRUE(Fulfilled(pattern, "v=" + value)) << size;
    EXPECT_TRUE(Fulfilled(pattern, "v=%61" + value)) << size;
    EXPECT_FALSE(Fulfilled(pattern, "v=" + value + "b")) << size;
  }
}

TEST(Conditions, NoByteHidesAValueFromAPattern) {
  ValueCondition pattern = Exact("x-t", "");
  pattern.kind = ValueCondition::Kind::kRegex;
  pattern.regex = Regex::Compile(".*evil.*").value();
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    const std::string value = one + "evil" + one;
    const std::string cookie = "x-t=" + value;
    TestRequest request("h", "/");
    request.With("x-t", value).With("cookie", cookie);
    EXPECT_TRUE(HeaderFulfils(pattern, request.head)) << byte;
    constexpr char kHex[] = "0123456789abcdef";
    const std::string escape{'%', kHex[byte >> 4], kHex[byte & 15]};
    EXPECT_TRUE(Fulfilled(pattern, "x-t=" + escape + "evil" + escape)) << byte;
    if (one == ";" || one == "\"") continue;  // a cookie ends there, or is quoted
    EXPECT_TRUE(Fulfils({true, pattern}, request.head)) << byte;
    EXPECT_TRUE(Fulfils({false, pattern}, request.head)) << byte;
  }
}

TEST(Conditions, DecodingAgreesWithTheHttpLayers) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  base::Rng rng(seed);
  base::SlabPool pool;
  base::Arena arena(pool);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (uint64_t i = rng.Below(12); i > 0; --i) text += "%%%+2aAfFgG0 "[rng.Below(13)];
    arena.Reset();
    const std::string_view decoded = http::DecodeQueryComponent(text, arena);
    ASSERT_TRUE(DecodesTo(text, decoded)) << text;
    ASSERT_FALSE(DecodesTo(text, std::string(decoded) + "x")) << text;
  }
}

TEST(Conditions, TheFirstCookieOfTheNameCounts) {
  TestRequest request("h", "/");
  request.With("cookie", "a=1; b=2").With("cookie", "c=3; a=9");
  EXPECT_TRUE(CookieFulfils(Exact("b", "2"), request.head));
  EXPECT_TRUE(CookieFulfils(Exact("c", "3"), request.head));
  EXPECT_FALSE(CookieFulfils(Exact("a", "9"), request.head));
  EXPECT_FALSE(CookieFulfils(Exact("B", "2"), request.head));
}

}  // namespace
}  // namespace headgate::routing
