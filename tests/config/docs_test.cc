// The documentation's examples are valid, and every key is on the page.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "config/fields/fields.h"
#include "config/units.h"

namespace headgate::config {
namespace {

std::string Page() {
  std::ifstream file("docs/configuration.md");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(ConfigurationPage, ItsExamplesAreValid) {
  const std::string page = Page();
  constexpr std::string_view kOpen = "```yaml\n";
  int examples = 0;
  for (size_t at = page.find(kOpen); at != std::string::npos; at = page.find(kOpen, at)) {
    at += kOpen.size();
    const LoadedFile loaded = LoadFile("example.yaml", page.substr(at, page.find("```", at) - at));
    EXPECT_TRUE(loaded.diagnostics.items().empty()) << RenderText(loaded.diagnostics, loaded.sources);
    ++examples;
  }
  EXPECT_GE(examples, 7);
}

void CollectKeys(const BlockSpec& spec, std::set<std::string_view>& keys, std::set<const BlockSpec*>& seen) {
  if (!seen.insert(&spec).second) return;
  for (const BlockSpec* part = &spec; part != nullptr; part = part->more) {
    for (const Field& field : part->fields) {
      keys.insert(field.key);
      if (field.block != nullptr) CollectKeys(field.block(), keys, seen);
    }
  }
}

TEST(ConfigurationPage, NamesEveryKey) {
  const std::string page = Page();
  std::set<std::string_view> keys;
  std::set<const BlockSpec*> seen;
  CollectKeys(RootBlock(), keys, seen);
  EXPECT_GT(keys.size(), 90U);
  for (const std::string_view key : keys) EXPECT_NE(page.find(key), std::string::npos) << key;
}

}  // namespace
}  // namespace headgate::config
