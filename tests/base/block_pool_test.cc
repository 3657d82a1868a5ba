#include "base/block_pool.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace headgate::base {
namespace {

TEST(BlockPool, LendsABlockAgainToWhoNeedsAboutAsMuch) {
  BlockPool pool(1024);
  void* first = pool.Take(100);
  EXPECT_EQ(pool.lent_bytes(), 128u);
  pool.Return(first);
  EXPECT_EQ(pool.lent_bytes(), 0u);
  EXPECT_EQ(pool.spare_bytes(), 128u);
  void* other = pool.Take(64);
  EXPECT_NE(other, first);
  void* again = pool.Take(65);
  EXPECT_EQ(again, first);
  EXPECT_EQ(pool.spare_bytes(), 0u);
  pool.Return(other);
  pool.Return(again);
}

TEST(BlockPool, KeepsNoMoreThanItMay) {
  BlockPool pool(256);
  std::vector<void*> blocks;
  for (int i = 0; i < 10; ++i) blocks.push_back(pool.Take(64));
  for (void* block : blocks) pool.Return(block);
  EXPECT_EQ(pool.spare_bytes(), 256u);
  pool.Trim(100);
  EXPECT_EQ(pool.spare_bytes(), 64u);
  pool.Trim(0);
  EXPECT_EQ(pool.spare_bytes(), 0u);
}

TEST(BlockPool, KeepsNoLargeBlock) {
  BlockPool pool(1024 * 1024);
  void* large = pool.Take(BlockPool::kBlockBytesMax + 1);
  ASSERT_NE(large, nullptr);
  std::memset(large, 1, BlockPool::kBlockBytesMax + 1);
  pool.Return(large);
  EXPECT_EQ(pool.spare_bytes(), 0u);
  void* largest_kept = pool.Take(BlockPool::kBlockBytesMax);
  pool.Return(largest_kept);
  EXPECT_EQ(pool.spare_bytes(), BlockPool::kBlockBytesMax);
}

TEST(BlockPool, OfALargeBlockOnlyWhatIsUsedIsMemory) {
  BlockPool pool(0);
  constexpr size_t kBytes = 1024 * 1024;
  auto* block = static_cast<char*>(pool.Take(kBytes));
  block[0] = 'a';
  block[kBytes - 1] = 'z';
  std::array<unsigned char, kBytes / 4096 + 1> pages;
  char* start = block - reinterpret_cast<uintptr_t>(block) % 4096;
  ASSERT_EQ(::mincore(start, kBytes, pages.data()), 0);
  EXPECT_LE(std::count_if(pages.begin(), pages.end() - 1, [](unsigned char page) { return (page & 1u) != 0; }), 2);
  pool.Return(block);
}

TEST(BlockPool, ResizeKeepsTheBytes) {
  BlockPool pool(4096);
  auto* block = static_cast<char*>(pool.Resize(nullptr, 10));
  std::memcpy(block, "0123456789", 10);
  EXPECT_EQ(pool.Resize(block, 60), block) << "it has the room";
  auto* moved = static_cast<char*>(pool.Resize(block, 5000));
  EXPECT_EQ(std::memcmp(moved, "0123456789", 10), 0);
  EXPECT_EQ(pool.spare_bytes(), 64u);
  pool.Return(moved);
}

TEST(BlockPool, ZeroedMeansZeroedAlsoTheSecondTime) {
  BlockPool pool(4096);
  auto* block = static_cast<unsigned char*>(pool.TakeZeroed(16, 8));
  std::memset(block, 0xff, 128);
  pool.Return(block);
  auto* again = static_cast<unsigned char*>(pool.TakeZeroed(8, 16));
  ASSERT_EQ(again, block);
  for (int i = 0; i < 128; ++i) ASSERT_EQ(again[i], 0);
  pool.Return(again);
}

TEST(BlockPool, NothingIsABlockTooAndTheImpossibleIsNull) {
  BlockPool pool(4096);
  void* nothing = pool.Take(0);
  EXPECT_NE(nothing, nullptr);
  pool.Return(nothing);
  pool.Return(nullptr);
  EXPECT_EQ(pool.Take(std::numeric_limits<size_t>::max()), nullptr);
  EXPECT_EQ(pool.TakeZeroed(std::numeric_limits<size_t>::max() / 2, 3), nullptr);
  EXPECT_EQ(pool.lent_bytes(), 0u);
}

TEST(BlockPool, EveryBlockIsAligned) {
  BlockPool pool(4096);
  for (size_t bytes = 1; bytes < 300; ++bytes) {
    void* block = pool.Take(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % alignof(std::max_align_t), 0u);
    pool.Return(block);
  }
}

}  // namespace
}  // namespace headgate::base
