#include "metrics/histogram.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace headgate::metrics {
namespace {

size_t NaiveFind(const BucketTable& table, uint64_t ns) {
  size_t i = 0;
  while (ns > table.bounds[i]) ++i;
  return i;
}

TEST(HistogramTest, ADurationEqualToABoundBelongsToItsBucketAndOneMoreToTheNext) {
  for (const BucketTable& table : kBucketTables) {
    for (size_t i = 0; i < kBucketBounds; ++i) {
      EXPECT_EQ(table.Find(table.bounds[i]), i);
      EXPECT_EQ(table.Find(table.bounds[i] - 1), NaiveFind(table, table.bounds[i] - 1));
      EXPECT_EQ(table.Find(table.bounds[i] + 1), i + 1);
    }
  }
}

TEST(HistogramTest, TheExtremesFallIntoTheFirstAndTheLastBucket) {
  for (const BucketTable& table : kBucketTables) {
    EXPECT_EQ(table.Find(0), 0U);
    EXPECT_EQ(table.Find(1), 0U);
    EXPECT_EQ(table.Find(INT64_MAX), kBucketBounds);
    EXPECT_EQ(table.Find(UINT64_MAX), kBucketBounds);
  }
}

TEST(HistogramTest, RequestBoundsAreThoseOfTheContract) {
  constexpr std::array<uint64_t, kBucketBounds> kTenthsOfMs = {10,   25,   50,     100,    250,    500,    1000,
                                                               2500, 5000, 10'000, 25'000, 50'000, 100'000};
  for (size_t i = 0; i < kBucketBounds; ++i) {
    EXPECT_EQ(kBucketTables[0].bounds[i], kTenthsOfMs[i] * 100'000);
  }
  EXPECT_EQ(kBucketTables[1].bounds[0], 10'000U) << "overhead is counted from 10 us up";
}

TEST(HistogramTest, TheSearchAgreesWithALinearOneForRandomDurations) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200'000; ++i) {
    const uint64_t ns = random() >> (random() % 64);
    for (const BucketTable& table : kBucketTables) ASSERT_EQ(table.Find(ns), NaiveFind(table, ns)) << ns;
  }
}

}  // namespace
}  // namespace headgate::metrics
