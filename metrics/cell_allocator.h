// Hands out blocks of cells, the same in every shard, and takes them back.
// Owned by metrics::Registry.
// Under the registry's mutex.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "metrics/ids.h"
#include "metrics/shard.h"

namespace headgate::metrics {

// Sizes are powers of two up to a chunk, and a block is aligned to its size: no block straddles two chunks.
class CellAllocator {
 public:
  // Blocks with RequestsId cells keep their links when they are zeroed, so they only ever serve the same use again.
  enum class Use : uint8_t { kPlain, kRequests };

  // The block's first cell; nothing when the shards are full.
  std::optional<uint32_t> Allocate(uint32_t size, Use use) {
    std::vector<uint32_t>& free = Free(size, use);
    if (!free.empty()) {
      const uint32_t cell = free.back();
      free.pop_back();
      return cell;
    }
    const uint32_t cell = (next_ + size - 1) / size * size;
    if (cell + size > Shard::kCellsMax) return std::nullopt;
    GiveBack(next_, cell);
    next_ = cell + size;
    return cell;
  }
  // The caller has zeroed the block in every shard.
  void Release(uint32_t cell, uint32_t size, Use use) { Free(size, use).push_back(cell); }

 private:
  std::vector<uint32_t>& Free(uint32_t size, Use use) {
    return free_[static_cast<size_t>(use)][static_cast<size_t>(std::countr_zero(size))];
  }
  // What alignment skipped serves smaller blocks.
  void GiveBack(uint32_t from, uint32_t to) {
    while (from < to) {
      const uint32_t size = from & (~from + 1);
      Release(from, size, Use::kPlain);
      from += size;
    }
  }

  std::array<std::array<std::vector<uint32_t>, 11>, 2> free_;
  uint32_t next_ = kFirstCell;
};
static_assert(Shard::kChunkCells == 1U << 10U);

}  // namespace headgate::metrics
