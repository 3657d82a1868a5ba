#include "metrics/text.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::metrics {
namespace {

std::string Label(std::string_view value) {
  std::string text;
  AppendLabel(text, "x", value);
  return text;
}

TEST(TextTest, ALabelEscapesBackslashQuoteAndNewlineOnly) {
  EXPECT_EQ(Label("shop"), R"(x="shop")");
  EXPECT_EQ(Label("a\\b\"c\nd\te"), "x=\"a\\\\b\\\"c\\nd\te\"");
  EXPECT_EQ(Label(""), R"(x="")");
}

TEST(TextTest, GoodUtf8IsKeptAndEachBadByteReplaced) {
  EXPECT_EQ(Label("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), "x=\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(Label("\xC3"), "x=\"" + bad + "\"");
  EXPECT_EQ(Label("\xC0\x80"), "x=\"" + bad + bad + "\"") << "overlong";
  EXPECT_EQ(Label("\xED\xA0\x80"), "x=\"" + bad + bad + bad + "\"") << "surrogate";
  EXPECT_EQ(Label("\xF4\x90\x80\x80"), "x=\"" + bad + bad + bad + bad + "\"") << "beyond U+10FFFF";
}

TEST(TextTest, EveryByteAtEveryPlaceIsJudgedRight) {
  char out[64];
  for (size_t size = 0; size <= 40; ++size) {
    const std::string plain(size, 'a');
    ASSERT_TRUE(CopyIfPlain(plain, out));
    ASSERT_EQ(std::string_view(out, size), plain);
    for (size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text = plain;
        text[place] = static_cast<char>(byte);
        const bool is_plain = byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
        ASSERT_EQ(CopyIfPlain(text, out), is_plain) << "byte " << byte << " at " << place << " of " << size;
        ASSERT_TRUE(!is_plain || std::string_view(out, size) == text);
      }
    }
  }
}

}  // namespace
}  // namespace headgate::metrics
