#include "base/error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <set>
#include <string>

namespace headgate::base {
namespace {

TEST(ErrorCode, EveryCodeHasAWordOfItsOwn) {
  std::set<std::string_view> words;
  for (int code = 1; code <= static_cast<int>(ErrorCode::kRequestTimeout); ++code) {
    const std::string_view word = ErrorCodeName(static_cast<ErrorCode>(code));
    EXPECT_FALSE(word.empty()) << code;
    EXPECT_TRUE(std::all_of(word.begin(), word.end(), [](char c) { return std::islower(c) != 0 || c == '_'; })) << word;
    EXPECT_TRUE(words.insert(word).second) << word;
  }
  EXPECT_EQ(ErrorCodeName(ErrorCode::kNone), "");
}

TEST(Result, HoldsAValueOrAnError) {
  Result<std::string> value(std::string(100, 'x'));
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value.value().size(), 100U);
  const Result<std::string> error(Error{ErrorCode::kNoRoute, Side::kProxy, Retry::kNever, "why"});
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().code, ErrorCode::kNoRoute);
  EXPECT_STREQ(error.error().detail, "why");
}

TEST(Result, MovesAndDestroysWhatItHolds) {
  auto counted = std::make_shared<int>(1);
  {
    Result<std::shared_ptr<int>> first(counted);
    Result<std::shared_ptr<int>> second(std::move(first));
    EXPECT_EQ(counted.use_count(), 2);
    EXPECT_EQ(*second.value(), 1);
  }
  EXPECT_EQ(counted.use_count(), 1);
  Result<std::unique_ptr<int>> failed(Error{ErrorCode::kOverload, Side::kProxy, Retry::kNever, ""});
  const Result<std::unique_ptr<int>> moved(std::move(failed));
  EXPECT_EQ(moved.error().code, ErrorCode::kOverload);
}

TEST(Result, IsPassedInRegistersWhereItsValueCouldBe) {
  static_assert(std::is_trivially_destructible_v<Result<int>>);
  static_assert(std::is_trivially_move_constructible_v<Result<int>>);
  static_assert(!std::is_trivially_destructible_v<Result<std::string>>);
  Result<int> seven(7);
  EXPECT_EQ(Result<int>(std::move(seven)).value(), 7);
}

TEST(Result, OfNothingIsFineOrAnError) {
  EXPECT_TRUE(Result<void>().ok());
  EXPECT_FALSE(Result<void>(Error{ErrorCode::kBadRequest, Side::kClient, Retry::kNever, ""}).ok());
}

TEST(ResultDeathTest, AskingForTheValueOfAnErrorIsABrokenInvariant) {
  Result<int> failed(Error{ErrorCode::kOverload, Side::kProxy, Retry::kNever, ""});
  EXPECT_DEATH(failed.value(), "ok_");
}

}  // namespace
}  // namespace headgate::base
