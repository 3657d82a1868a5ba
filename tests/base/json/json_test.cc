#include "base/json/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace headgate::base::json {
namespace {

using testing::HasSubstr;

TEST(Json, ReadsAndWritesADocument) {
  const std::string text = R"({"b":[1,-2,2.5E0,true,null],"a":{"x":"\"\n"}})";
  const auto value = Parse(text);
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(Serialize(*value), text);
  EXPECT_EQ(value->at("b").at(1).as_int64(), -2);
  EXPECT_TRUE(Parse(" 1 \n").ok());
}

TEST(Json, RefusesWhatIsNotOneWholeDocument) {
  for (const char* text : {"", " ", "{", "[1,]", "{\"a\":}", "{'a':1}", "[1] x", "[1][2]", "01", "nul", "\"\x01\"",
                           "\"\xff\"", "// c\n1", "NaN", "\"open"}) {
    const auto value = Parse(text);
    ASSERT_FALSE(value.ok()) << text;
    EXPECT_EQ(value.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(value.status().message()), HasSubstr("JSON breaks off at byte ")) << text;
  }
}

TEST(Json, SaysWhichByteIsWrong) {
  EXPECT_THAT(std::string(Parse("{\"a\": x}").status().message()), HasSubstr("at byte 6"));
}

TEST(Json, HoldsItsLimits) {
  const ParseLimits limits{.bytes_max = 100, .depth_max = 3};
  EXPECT_TRUE(Parse("[[[1]]]", limits).ok());
  EXPECT_EQ(Parse("[[[[1]]]]", limits).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Parse(std::string(101, ' '), limits).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Parse(std::string(100'000, '[')).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(Json, WritesForPeopleWhatReadsBackTheSame) {
  const Value value = Object{{"name", "a\"b"}, {"list", Array{1, Object{}, Array{}}}, {"none", nullptr}};
  const std::string text = SerializePretty(value);
  EXPECT_EQ(text, "{\n  \"name\": \"a\\\"b\",\n  \"list\": [\n    1,\n    {},\n    []\n  ],\n  \"none\": null\n}\n");
  EXPECT_EQ(*Parse(text), value);
}

}  // namespace
}  // namespace headgate::base::json
