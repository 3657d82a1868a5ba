#include "config/fields/idn.h"

#include <gtest/gtest.h>

namespace headgate::config {
namespace {

TEST(Idn, NamesAreWrittenInTheirAsciiForm) {
  EXPECT_EQ(AsciiHostname("m\xC3\xBCnchen.de"), "xn--mnchen-3ya.de");
  EXPECT_EQ(AsciiHostname("M\xC3\x9CNCHEN.de"), "xn--mnchen-3ya.de") << "upper case is the same name";
  EXPECT_EQ(AsciiHostname("mu\xCC\x88nchen.de"), "xn--mnchen-3ya.de") << "so is the decomposed form";
  EXPECT_EQ(AsciiHostname("*.\xE4\xBE\x8B\xE3\x81\x88.jp"), "*.xn--r8jz45g.jp");
  EXPECT_EQ(AsciiHostname("stra\xC3\x9F"
                          "e.de"),
            "xn--strae-oqa.de")
      << "IDNA 2008 keeps the sharp s";
  EXPECT_EQ(AsciiHostname("\xFF\xFE"), "");
}

}  // namespace
}  // namespace headgate::config
