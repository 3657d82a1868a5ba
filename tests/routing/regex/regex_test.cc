#include "routing/regex/regex.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

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
  std::array<char, 32> out;
  const auto regex = Regex::Compile("([a-z])([0-9])?").value();
  const auto replaced = [&](std::string_view text, std::string_view substitution) {
    return std::string(out.data(), regex->Replace(text, substitution, out));
  };
  EXPECT_EQ(replaced("1a2b3", "<\\1\\2\\0>"), "1<a2a2>b3");
  EXPECT_EQ(replaced("ab", "\\2x"), "xb") << "a group that took no part is empty";
  EXPECT_EQ(replaced("a", "\\\\"), "\\");
  EXPECT_EQ(regex->Replace("123", "x", out), Regex::npos);
  EXPECT_EQ(regex->Replace("a", std::string(33, 'x'), out), Regex::npos);
  EXPECT_EQ(regex->Replace("a", std::string(32, 'x'), out), 32U);
}

TEST(Regex, ASubstitutionsGroupsMustExist) {
  const auto regex = Regex::Compile("(a)").value();
  EXPECT_TRUE(regex->CheckSubstitution("\\0\\1").ok());
  EXPECT_FALSE(regex->CheckSubstitution("\\2").ok());
  EXPECT_FALSE(regex->CheckSubstitution("\\x").ok());
}

TEST(Regex, ANastyPatternTakesLinearTime) {
  const auto regex = Regex::Compile("(a+)+b").value();
  EXPECT_FALSE(regex->FullMatch(std::string(100'000, 'a')));
}

}  // namespace
}  // namespace headgate::routing
