#include "routing/regex/over_bytes.h"

#include <gtest/gtest.h>

#include "routing/regex/regex.h"

namespace headgate::routing {
namespace {

TEST(OverBytes, RefusesWhatWouldNotMeanTheCharacterThatIsWritten) {
  for (const char* pattern : {"[\xc3\xa9\xc3\xa8]", "[^\xc3\xa9]", "[a\\]\xc3\xa9]", "[]\xc3\xa9]", "\xc3\xa9?",
                              "\xc3\xa9*", "\xc3\xa9+", "\xc3\xa9{2}", "\\x{1F600}", "(?i)\xc3\xa9",
                              "[[:alpha:]\xc3\xa9]", "\\pL", "\\P{Greek}", "(?si:a)\xc3\xa9", "\\\xc3\xa9+"}) {
    EXPECT_FALSE(Regex::Compile(pattern).ok()) << pattern;
  }
  for (const char* pattern :
       {"\xc3\xa9", "(?:\xc3\xa9)+", "[a]\xc3\xa9", "\\[\xc3\xa9", "\\x{e9}", "(?i)a", "(?:\xc3\xa9|\xc3\xa8)",
        "(?-i)\xc3\xa9", "[[:alpha:]]\xc3\xa9", "\\\\p", "(?P<i>\xc3\xa9)"}) {
    const auto regex = Regex::Compile(pattern);
    EXPECT_TRUE(regex.ok()) << pattern << regex.status();
  }
}

}  // namespace
}  // namespace headgate::routing
