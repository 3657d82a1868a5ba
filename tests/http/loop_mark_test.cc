#include "http/loop_mark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "base/slab.h"

namespace headgate::http {
namespace {

class LoopMarkTest : public testing::Test {
 protected:
  void Add(std::string_view value) { headers_.Add(HeaderId::kCdnLoop, value); }

  base::SlabPool pool_;
  base::Arena arena_{pool_};
  HeaderMap headers_{arena_};
  const LoopMark mark_;
  const LoopMark other_;
};

TEST_F(LoopMarkTest, IsUnlikeAnyOther) {
  EXPECT_THAT(std::string(mark_.text()), testing::MatchesRegex("headgate-[0-9a-f]{16}"));
  EXPECT_NE(mark_.text(), other_.text());
}

TEST_F(LoopMarkTest, IsFoundInWhatItWasAddedTo) {
  EXPECT_FALSE(mark_.IsIn(headers_));
  mark_.AddTo(headers_);
  EXPECT_TRUE(mark_.IsIn(headers_));
  EXPECT_FALSE(other_.IsIn(headers_)) << "a chain of headgates is no loop";
  other_.AddTo(headers_);
  EXPECT_TRUE(mark_.IsIn(headers_));
  EXPECT_TRUE(other_.IsIn(headers_));
  EXPECT_EQ(headers_.Get(HeaderId::kCdnLoop), std::string(mark_.text()) + ", " + std::string(other_.text()));
}

TEST_F(LoopMarkTest, LeavesTheMarksOfOthers) {
  Add("cloudflare; loops=1");
  Add("foo.example:80");
  mark_.AddTo(headers_);
  EXPECT_EQ(headers_.size(), 1u);
  EXPECT_EQ(headers_.Get(HeaderId::kCdnLoop), "cloudflare; loops=1, foo.example:80, " + std::string(mark_.text()));
}

TEST_F(LoopMarkTest, IsFoundInEveryFormOfAList) {
  const std::string text(mark_.text());
  for (const std::string& value :
       {text, "a," + text, text + ";x=y", "\t" + text + " ; x, b", ",," + text + ",", "a, b ," + text}) {
    headers_.Clear();
    Add("first");
    Add(value);
    EXPECT_TRUE(mark_.IsIn(headers_)) << value;
  }
  for (const std::string& value : {text + "0", "x" + text, text.substr(0, text.size() - 1), "a;" + text,
                                   std::string("headgate"), std::string(), std::string(",;,")}) {
    headers_.Clear();
    Add(value);
    EXPECT_FALSE(mark_.IsIn(headers_)) << value;
  }
}

TEST_F(LoopMarkTest, MoreMarksThanAnyChainHasAreALoop) {
  std::string marks = "a";
  for (size_t i = 1; i < base::kLoopMarksMax; ++i) marks += ",a";
  Add(marks);
  EXPECT_FALSE(mark_.IsIn(headers_));
  Add("a");
  EXPECT_TRUE(mark_.IsIn(headers_));
}

}  // namespace
}  // namespace headgate::http
