#include "base/json/escape.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

#include "base/json/json.h"
#include "base/rng.h"

namespace headgate::base::json {
namespace {

std::string Escape(std::string_view text) {
  std::string out(6 * text.size(), '\0');
  const Escaped done = AppendEscaped(out, text);
  EXPECT_EQ(done.consumed, text.size());
  return out.substr(0, done.written);
}

TEST(AppendEscaped, EscapesWhatJsonAsksFor) {
  EXPECT_EQ(Escape("plain / text"), "plain / text");
  EXPECT_EQ(Escape("\"\\"), "\\\"\\\\");
  EXPECT_EQ(Escape("\n\r\t\b"), "\\n\\r\\t\\u0008");
  EXPECT_EQ(Escape(std::string_view("\0\x1f", 2)), "\\u0000\\u001f");
  EXPECT_EQ(Escape(""), "");
}

TEST(AppendEscaped, EscapesEveryControlCharacter) {
  EXPECT_EQ(Escape("~\x7f\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0"), "~\\u007f\\u0080\\u009b\\u009f\xc2\xa0");
}

TEST(AppendEscaped, LeavesValidUtf8AsItIs) {
  for (const char* text : {"\xc2\xa0", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "gr\xc3\xbc\xc3\x9f"}) {
    EXPECT_EQ(Escape(text), text);
  }
}

TEST(AppendEscaped, ReplacesEachByteThatIsNotUtf8) {
  const std::string bad = "\\ufffd";
  EXPECT_EQ(Escape("\xff"), bad);
  EXPECT_EQ(Escape("\x80"), bad);
  EXPECT_EQ(Escape("a\xc3"), "a" + bad);
  EXPECT_EQ(Escape("\xc3("), bad + "(");
  EXPECT_EQ(Escape("\xc0\xaf"), bad + bad);            // overlong
  EXPECT_EQ(Escape("\xe0\x9f\xbf"), bad + bad + bad);  // overlong
  EXPECT_EQ(Escape("\xed\xa0\x80"), bad + bad + bad);  // a surrogate
  EXPECT_EQ(Escape("\xf0\x8f\xbf\xbf"), bad + bad + bad + bad);
  EXPECT_EQ(Escape("\xf4\x90\x80\x80"), bad + bad + bad + bad);  // above U+10FFFF
  EXPECT_EQ(Escape("\xe2\x82"), bad + bad);
}

TEST(AppendEscaped, StopsBeforeACharacterThatDoesNotFitWhole) {
  std::array<char, 4> out{};
  Escaped done = AppendEscaped(out, "abcdef");
  EXPECT_EQ(done.written, 4U);
  EXPECT_EQ(done.consumed, 4U);
  done = AppendEscaped(out, "abc\n");
  EXPECT_EQ(done.written, 3U);
  EXPECT_EQ(done.consumed, 3U);
  done = AppendEscaped(out, "a\xff");
  EXPECT_EQ(done.written, 1U);
  done = AppendEscaped(out, "abc\xc3\xbc");
  EXPECT_EQ(done.written, 3U);
  done = AppendEscaped({}, "a");
  EXPECT_EQ(done.written, 0U);
  EXPECT_EQ(done.consumed, 0U);
}

TEST(AppendEscaped, WhatItWritesParsesWhateverTheBytes) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  for (int i = 0; i < 5000; ++i) {
    std::string text(rng.Below(40), '\0');
    for (char& c : text) c = static_cast<char>(rng.Below(3) == 0 ? rng.Below(128) : 128 + rng.Below(128));
    const auto value = Parse("\"" + Escape(text) + "\"");
    ASSERT_TRUE(value.ok()) << value.status() << testing::PrintToString(text);
    // Valid text comes back as it was.
    if (Escape(text).find("\\ufffd") != std::string::npos) continue;
    ASSERT_EQ(std::string(value->as_string()), text);
  }
}

}  // namespace
}  // namespace headgate::base::json
