#include "config/yaml/syntax_hints.h"

#include <gtest/gtest.h>

#include <string>

#include "config/units.h"

namespace headgate::config {
namespace {

// Of the first problem of a file that is not YAML.
std::string HintOf(const std::string& text) {
  const LoadedFile loaded = LoadFile("f.yaml", text);
  if (loaded.diagnostics.items().empty()) return "no problem";
  EXPECT_EQ(loaded.diagnostics.items()[0].code, Code::kSyntax) << text;
  return loaded.diagnostics.items()[0].hint;
}

TEST(SyntaxHints, WhatNeedsQuotesIsShownWithThem) {
  EXPECT_EQ(HintOf("routes:\n  - *.example.com\n"), "quote it: \"*.example.com\"");
  EXPECT_EQ(HintOf("routes: [*.example.com]\n"), "quote it: \"*.example.com\"");
  EXPECT_EQ(HintOf("routes: [{a: *.example.com}]\n"), "quote it: \"*.example.com\"");
  EXPECT_EQ(HintOf("a: @b\n"), "quote it: \"@b\"");
  EXPECT_EQ(HintOf("a: `b`\n"), "quote it: \"`b`\"");
  EXPECT_EQ(HintOf("a: [::]:8080\n"), "quote the address: \"[::]:8080\"");
  EXPECT_EQ(HintOf("a: b: c\n"), "quote a value that holds ': '");
  EXPECT_NE(HintOf("a: {b: ^/a/[0-9]+$}\n").find("brackets"), std::string::npos);
}

TEST(SyntaxHints, ATabIsNamed) {
  const std::string tab = "a tab stands in the indentation: YAML takes spaces only";
  EXPECT_EQ(HintOf("routes:\n\t- name: a\n"), tab);
  EXPECT_EQ(HintOf("routes:\n  - name: a\n\trespond: {}\n"), tab);
  EXPECT_EQ(HintOf("routes:\n  - name: a\n  \trespond: {}\n"), tab);
}

TEST(SyntaxHints, ColonsAndIndentation) {
  EXPECT_EQ(HintOf("listeners:\n  - name:web\n    address: a\n"), "a space is missing behind ':'");
  EXPECT_NE(HintOf("routes:\n  - name: a\n   respond: {}\n").find("indented"), std::string::npos);
  EXPECT_NE(HintOf("routes:\n  - name: a\n      respond: {}\n").find("indented more"), std::string::npos);
  EXPECT_EQ(SyntaxHint("", "", 0), "");
  EXPECT_EQ(SyntaxHint("", "x", 99), "");
}

}  // namespace
}  // namespace headgate::config
