#include "config/text.h"

#include <gtest/gtest.h>

#include <array>

namespace headgate::config {
namespace {

TEST(EditDistance, CountsSwapsAsOne) {
  EXPECT_EQ(EditDistance("adress", "address", 3), 1U);
  EXPECT_EQ(EditDistance("lsiteners", "listeners", 3), 1U);
  EXPECT_EQ(EditDistance("", "abc", 3), 3U);
  EXPECT_EQ(EditDistance("abc", "xyz", 2), 3U);
  EXPECT_EQ(EditDistance("ROUTES", "routes", 2), 0U);
}

TEST(NearestWord, IsSilentWhenNothingIsNear) {
  constexpr std::array<std::string_view, 3> kWords = {"address", "listeners", "tls"};
  EXPECT_EQ(NearestWord("adres", kWords), "address");
  EXPECT_EQ(NearestWord("zebra", kWords), "");
  EXPECT_EQ(NearestWord("xyz", kWords), "");
  EXPECT_EQ(DidYouMean("lisener", kWords), "did you mean 'listeners'?");
  EXPECT_EQ(DidYouMean("listeners", kWords), "") << "the word itself was not meant";
}

TEST(Utf8Length, KnowsOverlongFormsAndSurrogates) {
  EXPECT_EQ(Utf8Length("a"), 1U);
  EXPECT_EQ(Utf8Length("\xc3\xa4"), 2U);
  EXPECT_EQ(Utf8Length("\xe2\x82\xac"), 3U);
  EXPECT_EQ(Utf8Length("\xf0\x9f\x98\x80"), 4U);
  for (const char* bad : {"", "\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"}) {
    EXPECT_EQ(Utf8Length(bad), 0U);
  }
}

TEST(AppendJsonString, EscapesWhatJsonMustNotHold) {
  std::string out;
  AppendJsonString(out, "a\"\\\n\x01\xff\xc3\xa4");
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\u0001\xEF\xBF\xBD\xc3\xa4\"");
}

TEST(LineStarts, TakesEveryKindOfLineEnd) {
  EXPECT_EQ(LineStarts("a\nb\r\nc\rd"), (std::vector<uint32_t>{0, 2, 5, 7}));
}

TEST(Quoted, IsShortAndPrintable) {
  EXPECT_EQ(Quoted("a\nb"), "'a?b'");
  EXPECT_LT(Quoted(std::string(1000, 'x')).size(), 100U);
}

}  // namespace
}  // namespace headgate::config
