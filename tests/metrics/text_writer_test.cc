#include "metrics/text_writer.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::metrics {
namespace {

constexpr FamilyInfo kThings = {"things", MetricType::kGauge, "All things.", {"a", "b"}};
constexpr FamilyInfo kTimes = {"times_seconds", MetricType::kHistogram, "All times.", {"a"}};

std::string Seconds(uint64_t ns) {
  std::array<char, 32> buffer;
  return std::string(FormatSeconds(ns, buffer));
}

TEST(TextWriterTest, SecondsAreWrittenExactly) {
  EXPECT_EQ(Seconds(0), "0");
  EXPECT_EQ(Seconds(1), "0.000000001");
  EXPECT_EQ(Seconds(2'500'000), "0.0025");
  EXPECT_EQ(Seconds(10'000'000'000), "10");
  EXPECT_EQ(Seconds(UINT64_MAX), "18446744073.709551615");
}

TEST(TextWriterTest, AFamilyWithoutSamplesLeavesNoTraceAndAHeaderComesOnce) {
  std::string text;
  const ScrapeSink sink = [&](std::string_view piece) { text += piece; };
  TextWriter writer(sink);
  writer.Begin(kTimes);
  writer.Begin(kThings);
  writer.Gauge({}, {}, -1);
  writer.Gauge("a=\"1\"", {}, 2);
  writer.Gauge({}, "b=\"2\"", 3);
  writer.Gauge("a=\"1\"", "b=\"2\"", INT64_MIN);
  writer.Flush();
  EXPECT_EQ(text,
            "# HELP things All things.\n# TYPE things gauge\nthings -1\nthings{a=\"1\"} 2\nthings{b=\"2\"} 3\n"
            "things{a=\"1\",b=\"2\"} -9223372036854775808\n");
}

TEST(TextWriterTest, AHistogramIsCumulativeAndItsCountIsThatOfItsLastBucket) {
  std::string text;
  const ScrapeSink sink = [&](std::string_view piece) { text += piece; };
  TextWriter writer(sink);
  writer.Begin(kTimes);
  HistogramValue value;
  value.counts[0] = 2;
  value.counts[kBucketBounds] = 1;
  value.sum_ns = 1'500'000'000;
  writer.Histogram({}, BucketLayout::kInternal, value);
  writer.Flush();
  EXPECT_NE(text.find("times_seconds_bucket{le=\"0.00001\"} 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("times_seconds_bucket{le=\"0.1\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("times_seconds_bucket{le=\"+Inf\"} 3\ntimes_seconds_sum 1.5\ntimes_seconds_count 3\n"),
            std::string::npos);
}

}  // namespace
}  // namespace headgate::metrics
