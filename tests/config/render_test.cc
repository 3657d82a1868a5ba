#include "config/render.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::config {
namespace {

struct Shown {
  std::string line;
  std::string caret;
};

Shown Show(const std::string& line, uint32_t column, uint32_t length) {
  Sources sources;
  sources.Set(0, "f.yaml", std::make_shared<const std::string>(line));
  const Diagnostic diagnostic{.severity = Severity::kError,
                              .code = Code::kSyntax,
                              .at = {0, 1, column, length},
                              .message = "m",
                              .hint = {},
                              .other = {}};
  const std::string text = RenderText(diagnostic, sources);
  const size_t first = text.find('\n') + 1;
  const size_t second = text.find('\n', first) + 1;
  return {text.substr(first, second - first - 1), text.substr(second, text.size() - second - 1)};
}

// What stands above the carets.
std::string Marked(const Shown& shown) {
  const size_t begin = shown.caret.find('^');
  return shown.line.substr(begin, shown.caret.rfind('^') - begin + 1);
}

TEST(Render, OfALongLineThePartAroundThePlaceIsShown) {
  for (const size_t before : {0U, 10U, 79U, 150U, 190U, 198U, 199U, 200U, 201U, 5000U}) {
    for (const size_t after : {0U, 10U, 5000U}) {
      SCOPED_TRACE(std::to_string(before) + " before, " + std::to_string(after) + " after");
      const std::string line = std::string(before, 'a') + "WORD" + std::string(after, 'b');
      const Shown shown = Show(line, static_cast<uint32_t>(before + 1), 4);
      EXPECT_EQ(Marked(shown), "WORD");
      EXPECT_LE(shown.line.size(), 220U);
    }
  }
}

TEST(Render, ACutIsShownAsOne) {
  const Shown shown = Show(std::string(500, 'a') + "WORD" + std::string(500, 'b'), 501, 4);
  EXPECT_EQ(shown.line.substr(8, 4), "...a");
  EXPECT_TRUE(shown.line.ends_with("b..."));
  EXPECT_EQ(Show("short", 1, 5).line, "    1 | short");
}

TEST(Render, AMarkThatIsWiderThanTheExcerptEndsWithIt) {
  const Shown shown = Show(std::string(5000, 'a'), 1000, 4000);
  EXPECT_LE(shown.caret.size(), 220U);
  EXPECT_GT(Marked(shown).size(), 50U);
}

}  // namespace
}  // namespace headgate::config
