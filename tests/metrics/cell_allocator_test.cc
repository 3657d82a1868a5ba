#include "metrics/cell_allocator.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace headgate::metrics {
namespace {

using Use = CellAllocator::Use;

TEST(CellAllocatorTest, BlocksNeverOverlapNorStraddleAChunkNorTouchScratchCells) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  CellAllocator cells;
  std::set<uint32_t> taken;
  for (int i = 0; i < 5000; ++i) {
    const uint32_t size = 1U << (random() % 8);
    const auto first = cells.Allocate(size, random() % 2 == 0 ? Use::kPlain : Use::kRequests);
    ASSERT_TRUE(first.has_value());
    ASSERT_GE(*first, kFirstCell);
    ASSERT_EQ(*first / Shard::kChunkCells, (*first + size - 1) / Shard::kChunkCells);
    for (uint32_t cell = *first; cell < *first + size; ++cell) ASSERT_TRUE(taken.insert(cell).second);
  }
}

TEST(CellAllocatorTest, AReleasedBlockIsUsedAgainForTheSameUseOnly) {
  CellAllocator cells;
  const uint32_t block = *cells.Allocate(32, Use::kRequests);
  cells.Release(block, 32, Use::kRequests);
  EXPECT_NE(*cells.Allocate(32, Use::kPlain), block);
  EXPECT_EQ(*cells.Allocate(32, Use::kRequests), block);
}

TEST(CellAllocatorTest, WhenTheShardIsFullItSaysSoAndGoesOnAfterARelease) {
  CellAllocator cells;
  uint32_t last = 0;
  size_t blocks = 0;
  while (const auto block = cells.Allocate(1024, Use::kPlain)) {
    last = *block;
    ++blocks;
  }
  EXPECT_EQ(blocks, Shard::kChunksMax - 1);
  cells.Release(last, 1024, Use::kPlain);
  EXPECT_EQ(cells.Allocate(1024, Use::kPlain), last);
}

}  // namespace
}  // namespace headgate::metrics
