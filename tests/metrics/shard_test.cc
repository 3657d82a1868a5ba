#include "metrics/shard.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <utility>

#include "metrics/reasons.h"

namespace headgate::metrics {
namespace {

using Pairs = std::map<std::pair<int, int>, uint64_t>;

Pairs Requests(const Shard& shard, RequestsId id) {
  Pairs pairs;
  shard.ForEachRequest(id, [&](uint8_t method, uint16_t code, uint64_t count) {
    EXPECT_TRUE(pairs.emplace(std::pair(method, code), count).second) << "one pair in two places";
  });
  return pairs;
}

class ShardTest : public testing::Test {
 protected:
  std::unique_ptr<Shard> shard_ = std::make_unique<Shard>();
};

TEST_F(ShardTest, AnUntouchedCellReadsAsZeroEverywhere) {
  EXPECT_EQ(shard_->Read(0), 0U);
  EXPECT_EQ(shard_->Read(Shard::kCellsMax - 1), 0U);
  EXPECT_TRUE(Requests(*shard_, RequestsId{4096}).empty());
}

TEST_F(ShardTest, CountersAddUpAndGaugesGoBelowZero) {
  shard_->Add(CounterId{200});
  shard_->Add(CounterId{200}, 41);
  shard_->AddGauge(GaugeId{201}, 2);
  shard_->AddGauge(GaugeId{201}, -5);
  EXPECT_EQ(shard_->Read(200), 42U);
  EXPECT_EQ(static_cast<int64_t>(shard_->Read(201)), -3);
}

TEST_F(ShardTest, TheLastCellOfTheLastChunkIsUsable) {
  shard_->Add(CounterId{Shard::kCellsMax - 1}, 7);
  EXPECT_EQ(shard_->Read(Shard::kCellsMax - 1), 7U);
}

TEST_F(ShardTest, ObserveFillsOneBucketAndTheSum) {
  const HistogramId id{256, BucketLayout::kRequest};
  shard_->Observe(id, std::chrono::milliseconds(7));
  shard_->Observe(id, std::chrono::hours(1));
  shard_->Observe(id, base::Duration(-1));
  EXPECT_EQ(shard_->Read(256), 1U) << "a negative duration counts as 0";
  EXPECT_EQ(shard_->Read(256 + 3), 1U) << "5 ms < 7 ms <= 10 ms";
  EXPECT_EQ(shard_->Read(256 + kBucketBounds), 1U) << "beyond every bound";
  EXPECT_EQ(shard_->Read(256 + kHistogramSumCell), 3'600'007'000'000U);
}

TEST_F(ShardTest, ErrorsAreCountedByReason) {
  shard_->CountError(ErrorsId{512}, ProxyErrorReason::kInternal);
  EXPECT_EQ(shard_->Read(512 + Index(ProxyErrorReason::kInternal)), 1U);
}

TEST_F(ShardTest, EachMethodAndCodeHasACountOfItsOwn) {
  const RequestsId id{1024};
  for (int round = 0; round < 3; ++round) {
    for (uint8_t method = 0; method < 5; ++method) {
      for (uint16_t code = 200; code < 206; ++code) shard_->CountRequest(id, method, code);
    }
  }
  const Pairs pairs = Requests(*shard_, id);
  EXPECT_EQ(pairs.size(), 30U) << "more than a block holds";
  for (const auto& [pair, count] : pairs) EXPECT_EQ(count, 3U);
  EXPECT_EQ(shard_->requests_beyond_bounds(), 0U);
}

TEST_F(ShardTest, TwoIdsDoNotShareTheirFurtherBlocks) {
  for (uint16_t code = 200; code < 220; ++code) {
    shard_->CountRequest(RequestsId{1024}, 0, code);
    shard_->CountRequest(RequestsId{1040}, 1, code);
  }
  EXPECT_EQ(Requests(*shard_, RequestsId{1024}).size(), 20U);
  for (const auto& [pair, count] : Requests(*shard_, RequestsId{1040})) EXPECT_EQ(pair.first, 1);
}

TEST_F(ShardTest, PairsBeyondTheBoundAreCountedTogetherAndNeverLost) {
  const RequestsId id{1024};
  for (uint16_t code = 100; code < 600; ++code) shard_->CountRequest(id, 0, code);
  const size_t kept = Requests(*shard_, id).size();
  EXPECT_EQ(kept, Shard::kRequestsPairs * Shard::kRequestsBlocksMax);
  EXPECT_EQ(shard_->requests_beyond_bounds(), 500 - kept);
  shard_->CountRequest(id, 0, 100);
  EXPECT_EQ((Requests(*shard_, id)[{0, 100}]), 2U) << "the known ones go on";
}

TEST_F(ShardTest, AZeroedIdStartsAfreshAndUsesItsOldBlocksAgain) {
  const RequestsId id{1024};
  for (uint16_t code = 200; code < 230; ++code) shard_->CountRequest(id, 0, code);
  shard_->ZeroRequests(id);
  EXPECT_TRUE(Requests(*shard_, id).empty());
  for (uint16_t code = 300; code < 330; ++code) shard_->CountRequest(id, 1, code);
  const Pairs pairs = Requests(*shard_, id);
  EXPECT_EQ(pairs.size(), 30U);
  EXPECT_EQ(pairs.begin()->first, (std::pair{1, 300}));
}

TEST_F(ShardTest, ADefaultIdCountsIntoScratchCellsWithoutHarm) {
  for (int i = 0; i < 100; ++i) {
    shard_->Add(CounterId{});
    shard_->AddGauge(GaugeId{}, -1);
    shard_->Observe(HistogramId{}, std::chrono::seconds(i));
    shard_->CountRequest(RequestsId{}, 0, static_cast<uint16_t>(100 + i));
    shard_->CountError(ErrorsId{}, static_cast<ProxyErrorReason>(i % kProxyErrorReasonCount));
  }
  for (uint32_t cell = kFirstCell; cell < Shard::kChunkCells; ++cell) ASSERT_EQ(shard_->Read(cell), 0U) << cell;
}

TEST(ReasonsTest, MethodsBeyondTheNamedOnesAreOther) {
  EXPECT_EQ(kMethodLabels[MethodLabel(0)], "GET");
  EXPECT_EQ(kMethodLabels[MethodLabel(8)], "PATCH");
  EXPECT_EQ(kMethodLabels[MethodLabel(9)], "OTHER");
  EXPECT_EQ(kMethodLabels[MethodLabel(200)], "OTHER");
}

TEST(ReasonsTest, EveryEnumeratorHasItsWord) {
  EXPECT_EQ(kRejectReasonWords[Index(RejectReason::kSlowClient)], "slow_client");
  EXPECT_EQ(kProxyErrorReasonWords[Index(ProxyErrorReason::kInternal)], "internal");
  EXPECT_EQ(kProxyErrorReasonWords[Index(ProxyErrorReason::kBodyTooLarge)], "body_too_large");
  EXPECT_EQ(kUpstreamResultWords[Index(UpstreamResult::kCanceled)], "canceled");
  EXPECT_EQ(kConnectResultWords[Index(ConnectResult::kFailed)], "failed");
  EXPECT_EQ(kEndpointStateWords[Index(EndpointState::kDraining)], "draining");
  EXPECT_EQ(kTlsHandshakeWords[4 * Index(TlsHandshakeDone(true, true)) + 2], "1.3");
  EXPECT_EQ(kTlsHandshakeWords[4 * Index(TlsHandshakeDone(false, true)) + 3], "true");
  EXPECT_EQ(kTlsHandshakeWords[4 * Index(TlsHandshake::kProtocol) + 1], "protocol");
}

}  // namespace
}  // namespace headgate::metrics
