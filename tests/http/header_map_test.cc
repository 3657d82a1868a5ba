#include "http/header_map.h"

#include <gtest/gtest.h>

#include "base/slab.h"

namespace headgate::http {
namespace {

class HeaderMapTest : public testing::Test {
 protected:
  base::SlabPool pool_;
  base::Arena arena_{pool_};
  HeaderMap map_{arena_};
};

TEST_F(HeaderMapTest, SetReplacesTheFirstAndRemovesTheRest) {
  map_.Add(HeaderId::kVia, "1");
  map_.Add(HeaderId::kOther, "x-a", "2");
  map_.Add(HeaderId::kVia, "3");
  map_.Set(HeaderId::kVia, "4");
  map_.Set(HeaderId::kOther, "x-b", "5");
  map_.Set(HeaderId::kOther, "x-a", "6");
  ASSERT_EQ(map_.size(), 3u);
  EXPECT_EQ(map_.fields()[0].value, "4");
  EXPECT_EQ(map_.fields()[1].value, "6");
  EXPECT_EQ(map_.fields()[2].name, "x-b");
}

TEST_F(HeaderMapTest, FindsAndRemovesByIdAndByText) {
  map_.Add(HeaderId::kVia, "1");
  map_.Add(HeaderId::kOther, "x-a", "2");
  map_.Add(HeaderId::kOther, "x-b", "3");
  map_.Add(HeaderId::kOther, "x-a", "4");
  EXPECT_EQ(map_.Find(HeaderId::kOther, "x-b")->value, "3");
  EXPECT_EQ(map_.Find(HeaderId::kHost), nullptr);
  EXPECT_EQ(map_.Get(HeaderId::kHost), "");
  EXPECT_EQ(map_.Count(HeaderId::kVia), 1u);
  EXPECT_EQ(map_.Remove(HeaderId::kOther, "x-a"), 2u);
  EXPECT_EQ(map_.Remove(HeaderId::kVia), 1u);
  EXPECT_EQ(map_.size(), 1u);
}

TEST_F(HeaderMapTest, WhatWasRemovedCanComeBack) {
  EXPECT_EQ(map_.Remove(HeaderId::kVia), 0u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(map_.Has(HeaderId::kVia));
    map_.Set(HeaderId::kVia, "1");
    map_.Set(HeaderId::kVia, "2");
    EXPECT_EQ(map_.Get(HeaderId::kVia), "2");
    EXPECT_EQ(map_.size(), 1u);
    if (i == 0) map_.Remove(HeaderId::kVia);
    if (i == 1) map_.RemoveIf([](const HeaderField&) { return true; });
    if (i == 2) map_.Clear();
    EXPECT_EQ(map_.Find(HeaderId::kVia), nullptr);
    EXPECT_EQ(map_.Count(HeaderId::kVia), 0u);
  }
}

TEST_F(HeaderMapTest, KeepsTheOrderWhileItGrows) {
  const std::string digits = "0123456789";
  for (size_t i = 0; i < 200; ++i) map_.Add(HeaderId::kOther, "n", std::string_view(digits).substr(i % 10, 1));
  ASSERT_EQ(map_.size(), 200u);
  for (size_t i = 0; i < 200; ++i) EXPECT_EQ(map_.fields()[i].value[0], digits[i % 10]);
}

TEST(HeaderName, EveryTextInternsToItself) {
  for (size_t i = 1; i < kHeaderIdCount; ++i) {
    const auto id = static_cast<HeaderId>(i);
    EXPECT_EQ(InternHeader(HeaderText(id)), id) << HeaderText(id);
    EXPECT_EQ(InternHeader(std::string(HeaderText(id)) + "x"), HeaderId::kOther);
    EXPECT_EQ(InternHeader("x" + std::string(HeaderText(id))), HeaderId::kOther);
  }
  EXPECT_EQ(InternHeader(""), HeaderId::kOther);
  EXPECT_EQ(InternHeader("Host"), HeaderId::kOther) << "lower case is the caller's duty";
}

}  // namespace
}  // namespace headgate::http
