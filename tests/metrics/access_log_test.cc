#include "metrics/access_log.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/json/json.h"

namespace headgate::metrics {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr size_t kCapacity = size_t{64} * 1024;

AccessRecord FullRecord() {
  AccessRecord record;
  record.time = base::WallTime(seconds(1'795'273'445) + std::chrono::milliseconds(7));
  record.request_id = "r-1";
  record.client = "203.0.113.42";
  record.method = "GET";
  record.host = "shop.example.com";
  record.path = "/shoes";
  record.query = "token=secret";
  record.protocol = "HTTP/1.1";
  record.route = "shop";
  record.upstream = "shop-v2";
  record.endpoint = "10.42.3.17:8080";
  record.reason = "upstream_reset";
  record.detail = "closed within its head";
  record.tls = "TLSv1.3";
  record.user_agent = "curl/7.88.1";
  record.referer = "https://a.example/x?token=secret";
  record.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  record.bytes_in = 1;
  record.bytes_out = 18'446'744'073'709'551'615U;
  record.duration = microseconds(12'345);
  record.upstream_duration = microseconds(999);
  record.attempts = 2;
  record.code = 502;
  return record;
}

class AccessLogTest : public testing::Test {
 protected:
  std::string Take() {
    std::string text;
    while (ring_->size() > 0) {
      const std::string_view piece = ring_->Peek();
      text += piece;
      ring_->Consume(piece.size());
    }
    return text;
  }
  std::string Line(const AccessRecord& record) {
    ring_->Write(record);
    return Take();
  }
  uint64_t dropped() const { return shard_->Read(200); }

  std::unique_ptr<Shard> shard_ = std::make_unique<Shard>();
  AccessLogSettings settings_;
  std::unique_ptr<AccessLogRing> ring_ = std::make_unique<AccessLogRing>(kCapacity, settings_, *shard_, CounterId{200});
};

TEST_F(AccessLogTest, ALineHasTheFieldsOfTheContractInTheirOrder) {
  EXPECT_EQ(
      Line(FullRecord()),
      R"({"time":"2026-11-21T15:04:05.007Z","request_id":"r-1","client":"203.0.113.42","method":"GET",)"
      R"("host":"shop.example.com","path":"/shoes","protocol":"HTTP/1.1","route":"shop","upstream":"shop-v2",)"
      R"("endpoint":"10.42.3.17:8080","code":502,"reason":"upstream_reset",)"
      R"("detail":"closed within its head","bytes_in":1,"bytes_out":18446744073709551615,"duration_ms":12.345,"upstream_ms":0.999,"attempts":2,"tls":"TLSv1.3",)"
      R"("user_agent":"curl/7.88.1","referer":"https://a.example/x","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"})"
      "\n");
}

TEST_F(AccessLogTest, WhatIsMissingIsNull) {
  EXPECT_EQ(
      Line({}),
      R"({"time":"1970-01-01T00:00:00.000Z","request_id":null,"client":null,"method":null,"host":null,"path":null,)"
      R"("protocol":null,"route":null,"upstream":null,"endpoint":null,"code":null,"reason":null,"detail":null,)"
      R"("bytes_in":0,"bytes_out":0,"duration_ms":null,"upstream_ms":null,"attempts":0,"tls":null,"user_agent":null,)"
      R"("referer":null,"trace_id":null})"
      "\n");
}

TEST_F(AccessLogTest, QueriesAreWrittenOnlyWhenAskedAndThatMayChangeAtAnyTime) {
  EXPECT_EQ(Line(FullRecord()).find("secret"), std::string::npos);
  settings_.Set(1'000'000, true);
  const std::string with = Line(FullRecord());
  EXPECT_NE(with.find(R"("path":"/shoes","query":"token=secret","protocol")"), std::string::npos);
  EXPECT_NE(with.find(R"("referer":"https://a.example/x?token=secret")"), std::string::npos);
  settings_.Set(1'000'000, false);
  EXPECT_EQ(Line(FullRecord()).find("secret"), std::string::npos);
}

TEST_F(AccessLogTest, ARefererWithAPasswordIsLeftOut) {
  AccessRecord record = FullRecord();
  for (const char* referer : {"https://me:secret@a.example/x", "https://me:secret@a.example", "ftp://secret@a?b"}) {
    record.referer = referer;
    EXPECT_NE(Line(record).find(R"("referer":null)"), std::string::npos) << referer;
  }
  record.referer = "https://a.example/@me";
  EXPECT_NE(Line(record).find(R"("referer":"https://a.example/@me")"), std::string::npos);
}

TEST_F(AccessLogTest, HostileBytesNeverBreakALine) {
  AccessRecord record = FullRecord();
  record.path = "/a\"b\\c\n{\"code\":1}\r\x01\x1F\xFF\xC3\xA9";
  record.user_agent = std::string_view("nul\0nul", 7);
  const std::string line = Line(record);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto parsed = base::json::Parse(line);
  ASSERT_TRUE(parsed.ok()) << line;
  EXPECT_NE(line.find(R"("path":"/a\"b\\c\n{\"code\":1}\r\u0001\u001f\ufffd)"), std::string::npos) << line;
  EXPECT_NE(line.find("\xC3\xA9"), std::string::npos) << "good UTF-8 stays";
}

TEST_F(AccessLogTest, OverlongFieldsAreCutAndTheLineKeepsItsBound) {
  const std::string plain(100'000, 'x');
  const std::string controls(100'000, '\x01');
  settings_.Set(1'000'000, true);
  for (const std::string& huge : {plain, controls}) {
    AccessRecord r;
    for (std::string_view* field :
         {&r.request_id, &r.client, &r.method, &r.host, &r.path, &r.query, &r.protocol, &r.route, &r.upstream,
          &r.endpoint, &r.reason, &r.tls, &r.user_agent, &r.referer, &r.trace_id}) {
      *field = huge;
    }
    r.bytes_in = r.bytes_out = UINT64_MAX;
    r.duration = r.upstream_duration = base::Duration::max();
    r.attempts = UINT32_MAX;
    r.code = UINT16_MAX;
    const std::string line = Line(r);
    EXPECT_LE(line.size(), AccessLogRing::kLineMax);
    ASSERT_TRUE(base::json::Parse(line).ok());
    EXPECT_NE(line.find("...\",\"query\""), std::string::npos);
  }
}

TEST_F(AccessLogTest, LinesGoRoundTheRingUnharmed) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::string expected;
  std::string got;
  AccessLogRing other(kCapacity, settings_, *shard_, CounterId{201});
  for (int i = 0; i < 2000; ++i) {
    AccessRecord record = FullRecord();
    const std::string path = "/" + std::string(random() % 600, 'p') + std::to_string(i);
    record.path = path;
    ring_->Write(record);
    other.Write(record);
    expected += other.Peek();
    other.Consume(other.size());
    if (i % 10 == 9) got += Take();
  }
  got += Take();
  // The other ring wraps as well, so what it showed at its end may be a line in two parts.
  EXPECT_EQ(dropped(), 0U);
  size_t lines = 0;
  for (size_t at = 0; at < got.size(); ++lines) {
    const size_t end = got.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    ASSERT_TRUE(base::json::Parse(got.substr(at, end - at)).ok()) << got.substr(at, end - at);
    at = end + 1;
  }
  EXPECT_EQ(lines, 2000U);
}

TEST_F(AccessLogTest, AFullRingDropsAndCountsAndGoesOnOnceItIsEmptied) {
  for (int i = 0; i < 1000; ++i) ring_->Write(FullRecord());
  const std::string kept = Take();
  const auto lines = static_cast<uint64_t>(std::count(kept.begin(), kept.end(), '\n'));
  EXPECT_GT(lines, 50U);
  EXPECT_EQ(lines + dropped(), 1000U);
  EXPECT_FALSE(Line(FullRecord()).empty());
  EXPECT_EQ(lines + dropped(), 1000U);
}

TEST_F(AccessLogTest, TheTimeIsRightAcrossSecondsAndBackwards) {
  AccessRecord record;
  const auto start = [&](int64_t ns) {
    record.time = base::WallTime(base::Duration(ns));
    return Line(record).substr(9, 24);
  };
  EXPECT_EQ(start(1'709'164'799'999'999'999), "2024-02-28T23:59:59.999Z");
  EXPECT_EQ(start(1'709'164'800'000'000'000), "2024-02-29T00:00:00.000Z");
  EXPECT_EQ(start(1'709'164'799'000'000'000), "2024-02-28T23:59:59.000Z");
  EXPECT_EQ(start(-1), "1969-12-31T23:59:59.999Z");
}

TEST_F(AccessLogTest, TheSampleIsTheShareThatWasAskedFor) {
  const auto wanted = [&](uint32_t ppm) {
    settings_.Set(ppm, false);
    int count = 0;
    for (int i = 0; i < 100'000; ++i) count += ring_->Wanted() ? 1 : 0;
    return count;
  };
  EXPECT_EQ(wanted(0), 0);
  EXPECT_EQ(wanted(1'000'000), 100'000);
  EXPECT_NEAR(wanted(250'000), 25'000, 1500);
  EXPECT_NEAR(wanted(10'000), 1000, 300);
}

}  // namespace
}  // namespace headgate::metrics
