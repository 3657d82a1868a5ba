#include "metrics/catalogue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <string>
#include <vector>

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

// "result: ok, failed" for each label whose values are known; longer lists have a section of their own in the text.
std::string WordsOf(const FamilyInfo& family) {
  constexpr size_t kWordsInATable = 8;
  std::string text;
  if (family.words.empty()) return text;
  const size_t own = family.words.size() / family.word_sets;
  for (size_t label = 0; label < own; ++label) {
    std::vector<std::string_view> values;
    for (size_t i = label; i < family.words.size(); i += own) {
      if (std::find(values.begin(), values.end(), family.words[i]) == values.end()) values.push_back(family.words[i]);
    }
    if (values.size() > kWordsInATable) continue;
    text.append(text.empty() ? " " : "; ").append(family.labels[LabelCount(family) - own + label]).append(": ");
    for (size_t i = 0; i < values.size(); ++i) text.append(i == 0 ? "" : ", ").append(values[i]);
  }
  return text.empty() ? text : text + ".";
}

// The family's line in docs/metrics.md.
std::string LineOf(const FamilyInfo& family) {
  constexpr std::array<std::string_view, 3> kTypes = {"counter", "gauge", "histogram"};
  std::string line = "| `" + std::string(family.name) + "` | " + std::string(kTypes[Index(family.type)]) + " |";
  for (size_t i = 0; i < LabelCount(family); ++i) line.append(i == 0 ? " " : ", ").append(family.labels[i]);
  line.append(" | ").append(family.help).append(WordsOf(family));
  if (!family.note.empty()) line.append(" ").append(family.note);
  return line + " |";
}

TEST(CatalogueTest, TheDocumentationsTablesAreWhatTheRowsSay) {
  std::ifstream file("docs/metrics.md");
  std::multiset<std::string> written;
  std::string all;
  for (std::string line; std::getline(file, line); all += line + "\n") {
    if (line.starts_with("| `headgate_")) written.insert(line);
  }
  ASSERT_FALSE(all.empty());
  for (const FamilyInfo& family : kCatalogue) EXPECT_EQ(written.erase(LineOf(family)), 1U) << LineOf(family);
  for (const std::string& line : written) ADD_FAILURE() << "no row says: " << line;
  for (const std::string_view word : kProxyErrorReasonWords) EXPECT_NE(all.find(word), std::string::npos) << word;
  for (const std::string_view word : kRejectReasonWords) EXPECT_NE(all.find(word), std::string::npos) << word;
}

// Cells that no other member of the owner has, within the owner's block.
template <class Series>
void ExpectApart() {
  Series series;
  CellLayout layout(kFirstCell);
  ForEachIds(series, [&layout](auto& ids) { layout.Place(ids); });
  std::set<uint32_t> taken;
  ForEachIds(series, [&taken](const auto& ids) {
    for (uint32_t i = 0; i < IdTraits<std::remove_cvref_t<decltype(ids)>>::kCells; ++i) {
      EXPECT_TRUE(taken.insert(FirstCell(ids) + i).second) << FirstCell(ids) + i;
    }
  });
  EXPECT_GE(*taken.begin(), kFirstCell);
  EXPECT_LT(*taken.rbegin(), kFirstCell + CellsOf<Series>());
}

TEST(CatalogueTest, CellsOfAnOwnerLieApartAndWithinItsBlock) {
  ExpectApart<BackendSeries>();
  ExpectApart<RouteSeries>();
  ExpectApart<UpstreamSeries>();
  ExpectApart<ListenerSeries>();
  ExpectApart<ProcessSeries>();
}

}  // namespace
}  // namespace headgate::metrics
