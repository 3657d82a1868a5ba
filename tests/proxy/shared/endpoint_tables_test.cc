#include "proxy/shared/endpoint_tables.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "base/rng.h"

namespace headgate::proxy {
namespace {

using routing::LoadBalancingPolicy;

struct Names {
  explicit Names(size_t count, size_t without = ~size_t{0}) {
    for (size_t i = 0; i < count; ++i) {
      if (i != without) texts.push_back("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":8080");
    }
    for (const std::string& text : texts) entries.push_back({text, 1});
  }
  std::vector<std::string> texts;
  std::vector<TableEntry> entries;
};

std::vector<size_t> CountsOf(const Schedule& schedule, size_t endpoints) {
  std::vector<size_t> counts(endpoints, 0);
  for (const uint32_t index : schedule) ++counts.at(index);
  return counts;
}

TEST(MakeScheduleTest, EqualWeightsNeedNone) {
  Names names(3);
  EXPECT_EQ(MakeSchedule(names.entries), nullptr);
  for (TableEntry& entry : names.entries) entry.weight = 7;
  EXPECT_EQ(MakeSchedule(names.entries), nullptr);
  EXPECT_EQ(MakeSchedule({}), nullptr);
}

TEST(MakeScheduleTest, HoldsEveryEndpointAsOftenAsItsWeightSays) {
  Names names(4);
  const std::vector<uint32_t> weights = {10, 2, 0, 6};
  for (size_t i = 0; i < 4; ++i) names.entries[i].weight = weights[i];
  EXPECT_EQ(CountsOf(*MakeSchedule(names.entries), 4), (std::vector<size_t>{10, 2, 1, 6})) << "0 counts as 1";
  names.entries[2].weight = 2;
  EXPECT_EQ(CountsOf(*MakeSchedule(names.entries), 4), (std::vector<size_t>{5, 1, 1, 3})) << "no longer than needed";
}

TEST(MakeScheduleTest, IsWithinTwoOfEachShareAtEveryMoment) {
  base::Rng dice(7);
  for (int round = 0; round < 20; ++round) {
    Names names(2 + dice.Below(20));
    double total = 0;
    for (TableEntry& entry : names.entries) total += entry.weight = static_cast<uint32_t>(1 + dice.Below(50));
    const std::shared_ptr<const Schedule> schedule = MakeSchedule(names.entries);
    if (schedule == nullptr) continue;
    std::vector<size_t> counts(names.entries.size(), 0);
    for (size_t turn = 0; turn < schedule->size(); ++turn) {
      ++counts[(*schedule)[turn]];
      for (size_t i = 0; i < counts.size(); ++i) {
        const double share = static_cast<double>(turn + 1) * names.entries[i].weight / total;
        ASSERT_LT(std::abs(static_cast<double>(counts[i]) - share), 3) << "round " << round << " turn " << turn;
      }
    }
  }
}

TEST(MakeScheduleTest, RoundsLargeWeightsAndForgetsNobody) {
  Names names(3);
  names.entries[0].weight = 4'000'000'000;
  names.entries[1].weight = 2'000'000'000;
  const std::shared_ptr<const Schedule> schedule = MakeSchedule(names.entries);
  EXPECT_LE(schedule->size(), kScheduleMax + 3);
  const std::vector<size_t> counts = CountsOf(*schedule, 3);
  EXPECT_NEAR(static_cast<double>(counts[0]) / static_cast<double>(counts[1]), 2, 0.001);
  EXPECT_EQ(counts[2], 1u);
}

class HashTableTest : public ::testing::TestWithParam<LoadBalancingPolicy> {
 protected:
  static std::string Choice(const HashTable& table, const Names& names, uint64_t hash) {
    return std::string(names.entries[table.EndpointAt(table.PlaceOf(hash))].name);
  }
};

INSTANTIATE_TEST_SUITE_P(Policies, HashTableTest,
                         ::testing::Values(LoadBalancingPolicy::kRingHash, LoadBalancingPolicy::kMaglev));

TEST_P(HashTableTest, GivesEveryEndpointAboutItsShare) {
  const Names names(10);
  const HashTable table(GetParam(), names.entries);
  base::Rng rng(1);
  std::vector<size_t> counts(10, 0);
  for (int i = 0; i < 100'000; ++i) ++counts[table.EndpointAt(table.PlaceOf(rng.Next()))];
  const double tolerance = GetParam() == LoadBalancingPolicy::kMaglev ? 500 : 2500;
  for (const size_t count : counts) EXPECT_NEAR(static_cast<double>(count), 10'000, tolerance);
}

TEST_P(HashTableTest, GivesSharesByWeight) {
  Names names(4);
  for (uint32_t i = 0; i < 4; ++i) names.entries[i].weight = i + 1;
  const HashTable table(GetParam(), names.entries);
  base::Rng rng(1);
  std::vector<size_t> counts(4, 0);
  for (int i = 0; i < 100'000; ++i) ++counts[table.EndpointAt(table.PlaceOf(rng.Next()))];
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(static_cast<double>(counts[i]), 10'000.0 * (i + 1.0), 2500) << i;
}

TEST_P(HashTableTest, FewKeysMoveWhenOneOfTenLeaves) {
  const Names before(10);
  const HashTable table(GetParam(), before.entries);
  for (size_t gone = 0; gone < 10; ++gone) {
    const Names after(10, gone);
    const HashTable smaller(GetParam(), after.entries);
    base::Rng rng(3);
    int moved = 0;
    constexpr int kKeys = 20'000;
    for (int i = 0; i < kKeys; ++i) {
      const uint64_t hash = rng.Next();
      moved += Choice(table, before, hash) != Choice(smaller, after, hash) ? 1 : 0;
    }
    EXPECT_LE(moved, kKeys * 15 / 100) << "without endpoint " << gone;
    EXPECT_GT(moved, 0);
  }
}

TEST_P(HashTableTest, TheOrderOfEndpointsMovesNoKey) {
  Names names(10);
  const HashTable table(GetParam(), names.entries);
  Names turned(10);
  std::reverse(turned.entries.begin(), turned.entries.end());
  const HashTable other(GetParam(), turned.entries);
  base::Rng rng(3);
  for (int i = 0; i < 5'000; ++i) {
    const uint64_t hash = rng.Next();
    ASSERT_EQ(Choice(table, names, hash), Choice(other, turned, hash));
  }
}

TEST_P(HashTableTest, TheNextPlacesReachEveryEndpoint) {
  const Names names(5);
  const HashTable table(GetParam(), names.entries);
  std::vector<bool> seen(5, false);
  size_t place = table.PlaceOf(~uint64_t{0});
  for (size_t i = 0; i < table.size(); ++i, place = table.Next(place)) seen.at(table.EndpointAt(place)) = true;
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 5);
}

TEST_P(HashTableTest, OneEndpointGetsEverything) {
  const Names names(1);
  const HashTable table(GetParam(), names.entries);
  for (const uint64_t hash : {uint64_t{0}, uint64_t{1} << 63U, ~uint64_t{0}}) {
    EXPECT_EQ(table.EndpointAt(table.PlaceOf(hash)), 0u);
  }
}

}  // namespace
}  // namespace headgate::proxy
