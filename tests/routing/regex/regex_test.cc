#include "routing/regex/regex.h"

#include <gtest/gtest.h>

#include <string>

#include "base/slab.h"

namespace headgate::routing {
namespace {

TEST(Regex, MatchesTheWholeText) {
  const auto regex = Regex::Compile("/a/[0-9]+").value();
  EXPECT_TRUE(regex->FullMatch("/a/12"));
  EXPECT_FALSE(regex->FullMatch("/a/12/"));
  EXPECT_FALSE(regex->FullMatch("x/a/12"));
  EXPECT_TRUE(Regex::Compile("a|ab").value()->FullMatch("ab")) << "alternatives do not cut it short";
}

TEST(Regex, ItsLiteralPrefixRefusesNothingThatMatches) {
  for (const char* pattern :
       {"/api/v[12]/x", "(?i)/api", "/a*", "/a?b", "(/x|/xy)z", "^/q", ".*", "", "/a{2,3}", "\\Q/.\\E"}) {
    const auto regex = Regex::Compile(pattern).value();
    const auto without = Regex::Compile("(?:" + std::string(pattern) + ")|x*\\z.").value();
    ASSERT_EQ(without->literal_prefix(), "");
    for (const char* text : {"/api/v1/x", "/API", "/", "/aaa", "/ab", "/b", "/xz", "/xyz", "/q", "", "/aa", "/."}) {
      EXPECT_EQ(regex->FullMatch(text), without->FullMatch(text)) << pattern << " " << text;
    }
  }
  EXPECT_EQ(Regex::Compile("/api/v[12]/x").value()->literal_prefix(), "/api/v");
  EXPECT_EQ(Regex::Compile("(?i)/api").value()->literal_prefix(), "/");
}

TEST(Regex, ErrorsAreSentencesAndSizesAreBounded) {
  EXPECT_EQ(Regex::Compile("(a").status().message(), "missing ): (a");
  EXPECT_FALSE(Regex::Compile("\\1").ok()) << "no back references";
  EXPECT_FALSE(Regex::Compile(std::string(5000, 'a')).ok());
  EXPECT_FALSE(Regex::Compile("((a{100}){100}){100}").ok());
}

TEST(Regex, ReplacesTheFirstMatch) {
  base::SlabPool pool;
  base::Arena arena(pool);
  const auto regex = Regex::Compile("([a-z])([0-9])?").value();
  const auto replaced = [&](std::string_view text, std::string_view substitution) {
    return regex->Replace(text, substitution, arena).value_or("nothing matched");
  };
  EXPECT_EQ(replaced("1a2b3", "<\\1\\2\\0>"), "1<a2a2>b3");
  EXPECT_EQ(replaced("ab", "\\2x"), "xb") << "a group that took no part is empty";
  EXPECT_EQ(replaced("a", "\\\\"), "\\");
  EXPECT_EQ(replaced("123", "x"), "nothing matched");
  EXPECT_EQ(replaced("a", ""), "");
  const std::string large(100'000, 'x');
  EXPECT_EQ(replaced("1a2", large), "1" + large);
}

TEST(Regex, ASubstitutionsGroupsMustExist) {
  const auto regex = Regex::Compile("(a)").value();
  EXPECT_TRUE(regex->CheckSubstitution("\\0\\1").ok());
  EXPECT_FALSE(regex->CheckSubstitution("\\2").ok());
  EXPECT_FALSE(regex->CheckSubstitution("\\x").ok());
}

TEST(Regex, SeesBytesWhateverTheyAre) {
  const auto evil = Regex::Compile(".*evil.*").value();
  for (const std::string& text : {std::string("evil"),
                                  std::string("\xe9"
                                              "evil"),
                                  std::string("evil\xff"), std::string("a\nevil\r\n"), std::string("\0evil\0", 6),
                                  std::string("\xc3"
                                              "evil"),
                                  std::string("\xed\xa0\x80"
                                              "evil"),
                                  std::string("\x80"
                                              "evil\n")}) {
    EXPECT_TRUE(evil->FullMatch(text)) << text;
  }
  EXPECT_TRUE(
      Regex::Compile("a.b").value()->FullMatch("a\xe9"
                                               "b"));
  EXPECT_FALSE(
      Regex::Compile("a.b").value()->FullMatch("a\xc3\xa9"
                                               "b"))
      << "a dot is one byte";
  EXPECT_TRUE(Regex::Compile("[^x]+").value()->FullMatch("\n\xe9\x80"));
  EXPECT_TRUE(Regex::Compile("\\xe9+").value()->FullMatch("\xe9\xe9"));
  EXPECT_TRUE(Regex::Compile("M\xc3\xbcller.*").value()->FullMatch("M\xc3\xbcller\xff"));
  EXPECT_FALSE(Regex::Compile("evil$").value()->FullMatch("evil\n"));
  base::SlabPool pool;
  base::Arena arena(pool);
  EXPECT_EQ(Regex::Compile("a.*b").value()->Replace("\xe9"
                                                    "a\n\xff"
                                                    "b",
                                                    "x", arena),
            "\xe9x");
}

TEST(Regex, ANastyPatternTakesLinearTime) {
  const auto regex = Regex::Compile("(a+)+b").value();
  EXPECT_FALSE(regex->FullMatch(std::string(100'000, 'a')));
}

}  // namespace
}  // namespace headgate::routing
