#include "metrics/process_stats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

namespace headgate::metrics {
namespace {

TEST(ProcessStatsTest, FieldsAreTakenFromBehindTheCommandWhateverItHolds) {
  const std::string stat =
      "42 (a) (b 7 8) S 1 2 3 4 5 6 7 8 9 10 250 150 13 14 15 16 17 18 1000 4096000 25 18446744073709551615 1 1";
  const auto stats = ParseProcessStat(stat, 1'000'000, 100, 4096);
  ASSERT_TRUE(stats.has_value());
  EXPECT_EQ(stats->cpu_seconds, 4);
  EXPECT_EQ(stats->start_time_seconds, 1'000'010);
  EXPECT_EQ(stats->virtual_memory_bytes, 4'096'000);
  EXPECT_EQ(stats->resident_memory_bytes, 25 * 4096);
}

TEST(ProcessStatsTest, TextThatIsCutShortGivesNothing) {
  EXPECT_FALSE(ParseProcessStat("", 0, 100, 4096).has_value());
  EXPECT_FALSE(ParseProcessStat("42 (a) S 1 2 3", 0, 100, 4096).has_value());
}

TEST(ProcessStatsTest, ThisProcessHasPlausibleNumbers) {
  const auto families = CollectProcessStats();
  const auto value = [&](const std::string& name) {
    const auto found = std::find_if(families.begin(), families.end(), [&](const auto& f) { return f.name == name; });
    return found == families.end() ? -1.0 : found->metric.at(0).gauge.value;
  };
  const auto now = static_cast<double>(time(nullptr));
  EXPECT_LE(value("process_start_time_seconds"), now + 2);
  EXPECT_GT(value("process_start_time_seconds"), now - 86'400);
  EXPECT_GE(value("process_open_fds"), 3);
  EXPECT_LE(value("process_open_fds"), value("process_max_fds"));
  EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
  EXPECT_LT(value("process_resident_memory_bytes"), value("process_virtual_memory_bytes"));
  EXPECT_GE(value("process_cpu_seconds_total"), 0);
}

}  // namespace
}  // namespace headgate::metrics
