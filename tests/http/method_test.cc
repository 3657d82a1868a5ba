#include "http/method.h"

#include <gtest/gtest.h>

namespace headgate::http {
namespace {

TEST(MethodTable, EveryNameParsesToItself) {
  for (size_t i = 0; i < kMethodCount; ++i) {
    const auto method = static_cast<Method>(i);
    EXPECT_EQ(ParseMethod(MethodName(method)), method);
  }
  EXPECT_EQ(ParseMethod("get"), std::nullopt);
  EXPECT_EQ(ParseMethod(""), std::nullopt);
  EXPECT_EQ(ParseMethod("GETX"), std::nullopt);
  EXPECT_EQ(MethodName(Method::kOther), "OTHER");
  EXPECT_EQ(ParseMethod("OTHER"), std::nullopt);
}

TEST(MethodTable, KnowsQuery) {
  ASSERT_TRUE(ParseMethod("QUERY").has_value());
  EXPECT_TRUE(IsSafe(*ParseMethod("QUERY")));
  EXPECT_TRUE(IsIdempotent(*ParseMethod("QUERY")));
}

TEST(MethodTable, KnowsWhatMayBeRepeated) {
  EXPECT_TRUE(IsSafe(Method::kGet));
  EXPECT_TRUE(IsSafe(Method::kHead));
  EXPECT_FALSE(IsSafe(Method::kPut));
  EXPECT_TRUE(IsIdempotent(Method::kPut));
  EXPECT_TRUE(IsIdempotent(Method::kDelete));
  for (const Method method : {Method::kPost, Method::kPatch, Method::kLock, Method::kConnect, Method::kNotify}) {
    EXPECT_FALSE(IsIdempotent(method)) << MethodName(method);
  }
}

}  // namespace
}  // namespace headgate::http
