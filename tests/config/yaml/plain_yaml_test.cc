// Whatever the quick reader takes, it reads exactly as yaml-cpp does.
#include "config/yaml/plain_yaml.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "config/text.h"
#include "config/yaml/yaml_reader.h"
#include "support/sanitized.h"

namespace headgate::config {
namespace {

std::string Dump(const YamlTree& tree, const Node& node) {
  std::string out = std::to_string(static_cast<int>(node.kind)) + "@" + std::to_string(node.line) + ":" +
                    std::to_string(node.column) + "+" + std::to_string(node.length) + (node.plain ? "p" : "q") +
                    std::string(node.text) + "(";
  tree.ForEach(node, [&](const Node& child) { out += Dump(tree, child) + ","; });
  return out + ")";
}

std::string DumpAll(const YamlTree& tree, const DiagnosticList& diagnostics) {
  std::string out = tree.empty() ? "empty" : Dump(tree, tree.root());
  for (const Diagnostic& diagnostic : diagnostics.items()) out += "\n" + CodeName(diagnostic.code) + diagnostic.message;
  return out;
}

// True if the quick reader took the text.
bool Compare(const std::string& text) {
  YamlTree quick;
  DiagnosticList quick_problems;
  if (!ReadPlainYaml(text, 0, quick_problems, quick)) {
    EXPECT_FALSE(quick_problems.HasErrors());
    return false;
  }
  DiagnosticList problems;
  const YamlTree tree = ReadAnyYaml(text, 0, problems);
  EXPECT_EQ(DumpAll(quick, quick_problems), DumpAll(tree, problems)) << "<<<" << text << ">>>";
  return true;
}

TEST(ReadPlainYaml, TakesWhatConfigurationsAreWrittenIn) {
  for (const char* text : {"a: 1\n",
                           "a: b # c\nd: 'it''s'\n",
                           "a:\n  - b\n  - c: d\n    e: f\n",
                           "a:\n- b\n- c\nd: e\n",
                           "a: {b: c, d: [e, f]}",
                           "a: {b: \"x\\ty\",\n    c: d} # e\n",
                           "a: [\n  {b: c},\n  {d: e}\n  ]\n",
                           "# c\n\na: b:80\nc: {d: e:80}\n",
                           "a:\n  b:\n    c: d\ne: []\nf: {}\n",
                           "- a",
                           "\"a b\": c\n",
                           "a: \xc3\xa4 # \xe2\x82\xac\n\xc3\xa4: {\xc3\xa4: b}\n",
                           "a: -x.y\nb: [-c, d]\n",
                           "a:\n  -   - b\n      - c\n  - d\n",
                           "a: http://b/c#d\n",
                           "a: 1\na: 2\n",
                           "<<: {a: b}\n",
                           "{a: b}\n",
                           "{\"a\": {\"b\":[\"c\", 1,true]},\n\"\xc3\xa4\": \"\xc3\xa4\", 'd' :'e'}\n# f\n",
                           "{\n  \"a\": []\n}"}) {
    EXPECT_EQ(Compare(text), std::string(text) != "- a") << text;
  }
}

TEST(ReadPlainYaml, LeavesWhatStandsBehindATopLevelFlowMapping) {
  for (const char* text : {"{a: b}: c\n", "{a: b} c\n", "{a: b}\nc: d\n", "{a: b}\n---\n", "{a: b\n", "[a]\n"}) {
    EXPECT_FALSE(Compare(text)) << text;
  }
}

TEST(ReadPlainYaml, LeavesWhatItDoesNotKnow) {
  for (const char* text : {"a:\n",        "a: ~\n",          "a: |\n  b\n",
                           "a: &b c\n",   "a: *b\n",         "a: !!int 1\n",
                           "---\na: b\n", "a: b\n...\n",     "%YAML 1.2\n",
                           "a: b\n c\n",  "a: \"b\n  c\"\n", "a:\tb\n",
                           "a: b\r\n",    "{a:b}\n",         "a: [b, ]\n",
                           "a: [b: c]\n", "a: {b}\n",        "a: [b\n]\n",
                           "? a\n: b\n",  "a: b: c\n",       "a: {b: c?d}\n",
                           "a: @b\n",     "a: 'b' c\n",      "a: [b] c\n",
                           "a\n",         "a: [b",           ""}) {
    EXPECT_FALSE(Compare(text)) << text;
  }
}

TEST(ReadPlainYaml, AgreesWithYamlCppOnMutatedFiles) {
  const char* fixed = std::getenv("HEADGATE_TEST_SEED");
  const unsigned seed = fixed != nullptr ? static_cast<unsigned>(std::atoi(fixed)) : std::random_device{}();
  std::cout << "seed " << seed << " (HEADGATE_TEST_SEED)\n";
  std::mt19937 random(seed);
  const auto below = [&](size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random); };
  static constexpr std::string_view kBytes = "{}[]:,-#?'\" \nab\\~";
  std::vector<std::string> texts;
  const std::filesystem::path folder = "tests/fuzz/corpus/config";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  int taken = 0;
  for (int i = 0; i < support::Rounds(20'000) && !HasFailure(); ++i) {
    std::string text = texts[below(texts.size())];
    const size_t start = below(text.size());
    if (below(2) == 0) text = text.substr(text.rfind('\n', start) + 1, 200);
    for (size_t n = below(4); n > 0 && !text.empty(); --n) {
      const size_t at = below(text.size());
      if (below(3) == 0) {
        text.erase(at, below(4) + 1);
      } else {
        text.insert(at, 1, kBytes[below(kBytes.size())]);
      }
    }
    const bool utf8 = text.find('\xe9') == std::string::npos;
    if (utf8 && Compare(text)) ++taken;
  }
  EXPECT_GT(taken, support::Rounds(1000));
}

}  // namespace
}  // namespace headgate::config
