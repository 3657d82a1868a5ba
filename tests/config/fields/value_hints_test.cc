#include "config/fields/value_hints.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::config {
namespace {

std::string Hint(FieldType type, std::string_view text) {
  Node node;
  node.kind = NodeKind::kScalar;
  node.text = text;
  return ValueHint(Field{.key = "key", .type = type, .none = true}, node);
}

TEST(ValueHints, ADurationIsWrittenInAUnitThatHasNoFraction) {
  EXPECT_EQ(Hint(FieldType::kDuration, ".5s"), "write 500ms");
  EXPECT_EQ(Hint(FieldType::kDuration, "1.5m"), "write 90s");
  EXPECT_EQ(Hint(FieldType::kDuration, "1h30m"), "write 90m");
  EXPECT_EQ(Hint(FieldType::kDuration, "5 Minutes"), "write 5m");
  EXPECT_EQ(Hint(FieldType::kDuration, "2d"), "write 48h");
  EXPECT_EQ(Hint(FieldType::kDuration, "30"), "write 30s: a duration has a unit");
  for (const char* text : {"", "s", "1..5s", "5 parsecs", "100us", "99999999999999999999s", "-5s", "1e9s"}) {
    EXPECT_EQ(Hint(FieldType::kDuration, text), "") << text;
  }
}

TEST(ValueHints, ASizeIsWrittenInItsBinaryUnit) {
  EXPECT_EQ(Hint(FieldType::kSize, "1.5MiB"), "write 1536KiB");
  EXPECT_EQ(Hint(FieldType::kSize, "10MB"), "write 10MiB");
  EXPECT_EQ(Hint(FieldType::kSize, "64k"), "write 64KiB");
  EXPECT_EQ(Hint(FieldType::kSize, "1 g"), "write 1GiB");
  EXPECT_EQ(Hint(FieldType::kSize, "ten"), "");
}

TEST(ValueHints, OtherScalars) {
  EXPECT_EQ(Hint(FieldType::kPercent, "20"), "write 20%");
  EXPECT_EQ(Hint(FieldType::kPercent, "0.2"), "write 0.2%, or 20% if that was meant");
  EXPECT_EQ(Hint(FieldType::kPercent, "200"), "");
  EXPECT_EQ(Hint(FieldType::kBool, "Yes"), "write true, without quotes");
  EXPECT_EQ(Hint(FieldType::kBool, "off"), "write false, without quotes");
  EXPECT_EQ(Hint(FieldType::kBool, "maybe"), "");
  EXPECT_EQ(Hint(FieldType::kCount, "010"), "write 10");
  EXPECT_EQ(Hint(FieldType::kCount, "10_000"), "write 10000");
  EXPECT_EQ(Hint(FieldType::kCount, "10k"), "write 10000");
  EXPECT_EQ(Hint(FieldType::kCount, "50%"), "write 50");
  EXPECT_EQ(Hint(FieldType::kCount, ""), "");
  EXPECT_EQ(Hint(FieldType::kCount, "many"), "");
  EXPECT_EQ(Hint(FieldType::kCidr, "10.1.2.3/8"), "write 10.0.0.0/8");
  EXPECT_EQ(Hint(FieldType::kCidr, "2001:db8::1/32"), "write 2001:db8::/32");
  EXPECT_EQ(Hint(FieldType::kCidr, "10.0.0.1/99"), "write 10.0.0.1/32");
  EXPECT_EQ(Hint(FieldType::kMethod, "get"), "write GET");
  EXPECT_EQ(Hint(FieldType::kMethod, "*"), "leave 'method' out: every method");
  EXPECT_EQ(Hint(FieldType::kPath, "api"), "write /api");
  EXPECT_EQ(Hint(FieldType::kName, "my shop"), "write my-shop");
  EXPECT_EQ(Hint(FieldType::kName, ""), "");
  EXPECT_EQ(Hint(FieldType::kName, "_none"), "") << "a word that only the metrics may have";
}

TEST(ValueHints, VariablesAndTemplatesAreNamedAsSuch) {
  for (const char* text : {"${PORT}", "$PORT", "{{ .x }}", "$(X)", "%[src]"}) {
    EXPECT_NE(Hint(FieldType::kCount, text).find("not expanded"), std::string::npos) << text;
  }
  for (const char* text : {"$", "5$", "a{b}", "100%", "$5"}) EXPECT_FALSE(HoldsVariable(text)) << text;
}

std::string LiteralHint(std::string_view key, FieldType type, std::string_view text) {
  const Literal literal = LiteralProblem(Field{.key = key, .type = type}, text);
  return literal.problem.empty() ? "none" : literal.hint;
}

TEST(ValueHints, APatternInAPathIsALiteral) {
  const auto prefix = [](std::string_view text) { return LiteralHint("prefix", FieldType::kPath, text); };
  EXPECT_EQ(prefix("/api/*"), "write prefix: /api");
  EXPECT_EQ(prefix("/api*"), "write prefix: /api");
  EXPECT_EQ(prefix("/api/.*"), "write prefix: /api");
  EXPECT_EQ(prefix("/*"), "write prefix: /");
  EXPECT_EQ(prefix("/v[0-9]+"), "a pattern is written regex: \"/v[0-9]+/.*\"");
  for (const char* text : {"/users/:id", "/users/{id}", "/a|/b", "/a$", "/(a)"})
    EXPECT_NE(prefix(text), "none") << text;
  for (const char* text : {"/", "/api", "/a:b", "/a.b", "/a+b", "/$metadata", "/@x", "/a;b=c"}) {
    EXPECT_EQ(prefix(text), "none") << text;
  }
  EXPECT_EQ(LiteralHint("exact", FieldType::kPath, "/a/*"), "write prefix: /a");
  EXPECT_NE(LiteralHint("path", FieldType::kPath, "/new/$1"), "none");
}

TEST(ValueHints, NoMethodIsCalledAsterisk) {
  EXPECT_EQ(LiteralHint("method", FieldType::kMethod, "*"), "leave 'method' out: every method");
  EXPECT_EQ(LiteralHint("method", FieldType::kMethod, "GET"), "none");
}

TEST(ValueHints, AVariableInAHeaderAFileOrASubstitutionIsALiteral) {
  EXPECT_EQ(LiteralHint("set", FieldType::kHeaderValue, "$remote_addr"), "variables are not expanded");
  EXPECT_EQ(LiteralHint("set", FieldType::kHeaderValue, "price: 5$"), "none");
  EXPECT_EQ(LiteralHint("caFile", FieldType::kFile, "${DIR}/ca.crt"), "variables are not expanded");
  EXPECT_EQ(LiteralHint("substitution", FieldType::kText, "/new/$1"), "a group is written \\1");
  EXPECT_EQ(LiteralHint("substitution", FieldType::kText, "/new/\\1"), "none");
  EXPECT_EQ(LiteralHint("body", FieldType::kText, "${x}"), "none");
}

}  // namespace
}  // namespace headgate::config
