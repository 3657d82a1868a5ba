#include "metrics/catalogue.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace headgate::metrics {
namespace {

TEST(CatalogueTest, NamesAreUniqueAndEndAsTheirTypeAsks) {
  std::set<std::string_view> names;
  for (const FamilyInfo& family : kCatalogue) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_TRUE(family.name.starts_with("headgate_")) << family.name;
    EXPECT_EQ(family.name.ends_with("_total"), family.type == MetricType::kCounter) << family.name;
    EXPECT_TRUE(family.type != MetricType::kHistogram || family.name.ends_with("_seconds")) << family.name;
    EXPECT_TRUE(family.help.ends_with(".")) << family.name;
  }
}

TEST(CatalogueTest, NoLabelCollidesWithTheScrapersOwn) {
  const std::set<std::string_view> forbidden = {"namespace", "pod",      "container", "service",
                                                "job",       "instance", "cluster"};
  for (const FamilyInfo& family : kCatalogue) {
    for (const std::string_view label : family.labels) EXPECT_EQ(forbidden.count(label), 0U) << family.name;
  }
}

TEST(CatalogueTest, TheDocumentationNamesEveryFamilyWithItsLabelsAndReasons) {
  std::ifstream file("docs/metrics.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(text.empty());
  for (const FamilyInfo& family : kCatalogue) {
    const size_t at = text.find("`" + std::string(family.name) + "`");
    ASSERT_NE(at, std::string::npos) << family.name;
    const std::string row = text.substr(at, text.find('\n', at) - at);
    for (const std::string_view label : family.labels) {
      EXPECT_NE(row.find(label), std::string::npos) << family.name << " " << label;
    }
  }
  for (const std::string_view word : kProxyErrorReasonWords) EXPECT_NE(text.find(word), std::string::npos) << word;
  for (const std::string_view word : kRejectReasonWords) EXPECT_NE(text.find(word), std::string::npos) << word;
}

}  // namespace
}  // namespace headgate::metrics
