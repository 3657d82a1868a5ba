#include "config/yaml/yaml_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace headgate::config {
namespace {

std::vector<Code> CodesOf(const std::string& text) {
  DiagnosticList diagnostics;
  ReadYaml(text, 0, diagnostics);
  std::vector<Code> codes;
  for (const Diagnostic& diagnostic : diagnostics.items()) codes.push_back(diagnostic.code);
  return codes;
}

TEST(ReadYaml, PutsLineAndColumnBehindEveryValue) {
  DiagnosticList diagnostics;
  const YamlTree tree = ReadYaml("a: 1\nb:\n  - \"x\\ty\" # c\n  - {k: v}\n", 7, diagnostics);
  ASSERT_FALSE(diagnostics.HasErrors());
  std::vector<Position> places;
  tree.ForEachPair(tree.root(), [&](const Node& key, const Node& value) {
    places.push_back(PositionOf(key, 7));
    places.push_back(PositionOf(value, 7));
    if (value.kind == NodeKind::kSequence) {
      tree.ForEach(value, [&](const Node& item) { places.push_back(PositionOf(item, 7)); });
    }
  });
  EXPECT_EQ(places, (std::vector<Position>{
                        {7, 1, 1, 1}, {7, 1, 4, 1}, {7, 2, 1, 1}, {7, 3, 3, 1}, {7, 3, 5, 6}, {7, 4, 5, 1}}));
}

TEST(ReadYaml, CountsColumnsInCharacters) {
  DiagnosticList diagnostics;
  const YamlTree tree = ReadYaml("{\xc3\xa4\xe2\x82\xac: \xc3\xb6\xc3\xb6}\n", 0, diagnostics);
  const Node& key = tree.FirstChild(tree.root());
  EXPECT_EQ(PositionOf(key, 0), (Position{0, 1, 2, 2}));
  EXPECT_EQ(PositionOf(tree.Next(key), 0), (Position{0, 1, 6, 2}));
}

TEST(ReadYaml, AQuoteThatIsNotClosedIsRefusedWhereItOpens) {
  for (const char* text : {"a: 1\nb: \"c\n", "a: 1\nb: 'c\n  d: e\n", "a: 1\nb: \"\\\"c\n", "a: 1\nb: 'it''s\n"}) {
    DiagnosticList diagnostics;
    EXPECT_TRUE(ReadYaml(text, 0, diagnostics).empty()) << text;
    ASSERT_EQ(diagnostics.items().size(), 1U) << text;
    EXPECT_EQ(diagnostics.items()[0].code, Code::kSyntax);
    EXPECT_EQ(diagnostics.items()[0].at, (Position{0, 2, 4, 1})) << text;
  }
  for (const char* text : {"a: \"c\\\"", "a: 'it''", "a: \"", "a: \"c\\"}) {
    EXPECT_EQ(CodesOf(text), std::vector{Code::kSyntax}) << text;
  }
  for (const char* text : {"a: \"\\u00e9\"", "a: 'b\n  c'", "a: \"b\\\n  c\"\n", "a: '''\n  '", "'a\\': \"\\\\\""}) {
    EXPECT_EQ(CodesOf(text), std::vector<Code>()) << text;
  }
}

TEST(ReadYaml, LeavesScalarsAsTheirText) {
  DiagnosticList diagnostics;
  const YamlTree tree = ReadYaml("[010, yes, \"true\", 'it''s', ~, null, 1.20]\n", 0, diagnostics);
  std::vector<std::string> texts;
  tree.ForEach(tree.root(), [&](const Node& node) {
    texts.push_back(node.kind == NodeKind::kNull ? "NULL" : std::string(node.text) + (node.plain ? "" : "!"));
  });
  EXPECT_EQ(texts, (std::vector<std::string>{"010", "yes", "true!", "it's!", "NULL", "NULL", "1.20"}));
}

TEST(ReadYaml, RefusesWhatWouldSurprise) {
  EXPECT_EQ(CodesOf("a: 1\na: 2\n"), std::vector{Code::kDuplicateKey});
  EXPECT_EQ(CodesOf("a: 1\n\"a\": 2\n"), std::vector{Code::kDuplicateKey});
  EXPECT_EQ(CodesOf("a: &x 1\nb: *x\n"), (std::vector{Code::kAlias, Code::kAlias}));
  EXPECT_EQ(CodesOf("a: {<<: {b: c}}\n"), std::vector{Code::kAlias});
  EXPECT_EQ(CodesOf("a: !!int 1\n"), std::vector{Code::kTag});
  EXPECT_EQ(CodesOf("a: 1\n---\nb: 1\n"), std::vector{Code::kDocuments});
  EXPECT_EQ(CodesOf("? [a]\n: b\n"), std::vector{Code::kWrongType});
  EXPECT_EQ(CodesOf("a: [1\n"), std::vector{Code::kSyntax});
  EXPECT_EQ(CodesOf("a:\n\t- 1\n"), std::vector{Code::kSyntax});
  EXPECT_EQ(CodesOf(std::string("a: \0b", 5)), std::vector{Code::kCharacters});
  EXPECT_EQ(CodesOf("a: \xff\n"), std::vector{Code::kCharacters});
}

TEST(ReadYaml, FindsADuplicateAmongManyKeys) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  EXPECT_TRUE(CodesOf(text).empty());
  EXPECT_EQ(CodesOf(text + "k500: 2\n"), std::vector{Code::kDuplicateKey});
}

TEST(ReadYaml, HasABoundOnDepthAndSize) {
  EXPECT_TRUE(CodesOf(std::string(kFileDepthMax, '[') + std::string(kFileDepthMax, ']')).empty());
  EXPECT_EQ(CodesOf(std::string(kFileDepthMax + 1, '[') + std::string(kFileDepthMax + 1, ']')),
            std::vector{Code::kTooLarge});
  EXPECT_EQ(CodesOf(std::string(kFileBytesMax + 1, '#')), std::vector{Code::kTooLarge});
  std::string block;
  for (size_t i = 0; i <= kFileDepthMax; ++i) block += std::string(i, ' ') + "a:\n";
  EXPECT_EQ(CodesOf(block + std::string(kFileDepthMax + 1, ' ') + "b: 1\n"), std::vector{Code::kTooLarge});
}

TEST(ReadYaml, TakesAnEmptyFileAndCommentsAlone) {
  EXPECT_TRUE(CodesOf("").empty());
  EXPECT_TRUE(CodesOf("# nothing\n").empty());
  EXPECT_TRUE(CodesOf("---\n").empty());
  EXPECT_TRUE(CodesOf("\xEF\xBB\xBF"
                      "a: 1\n")
                  .empty());
}

TEST(ReadYaml, TakesWindowsLineEnds) {
  DiagnosticList diagnostics;
  const YamlTree tree = ReadYaml("a: 1\r\nb: x\r\n", 0, diagnostics);
  ASSERT_FALSE(diagnostics.HasErrors());
  tree.ForEachPair(tree.root(), [&](const Node& key, const Node& value) {
    if (key.text == "b") {
      EXPECT_EQ(PositionOf(value, 0), (Position{0, 2, 4, 1}));
    }
    EXPECT_EQ(value.text.find('\r'), std::string_view::npos);
  });
}

}  // namespace
}  // namespace headgate::config
