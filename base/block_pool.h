// Small blocks for a C library that allocates per request: kept by size for the next taker instead of being freed.
// Belongs to one worker and outlives every block it lent.
// One thread: the worker's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace headgate::base {

class BlockPool {
 public:
  static constexpr size_t kStepBytes = 64;         // sizes are rounded up to a multiple
  static constexpr size_t kBlockBytesMax = 2'048;  // what is larger comes from the heap and goes back to it
  // From here on a block has pages of its own: of a large buffer of which a little is used only that little is memory.
  static constexpr size_t kMappedFrom = 16 * 1024;

  // Keeps blocks of up to `spare_max` bytes in all; what is returned beyond it goes back to the heap.
  explicit BlockPool(size_t spare_max) noexcept : spare_max_(spare_max) {}
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  ~BlockPool();

  // As malloc, calloc, realloc and free. Null: no memory is left. Resize never makes a block smaller.
  void* Take(size_t bytes) noexcept;
  void* TakeZeroed(size_t count, size_t bytes) noexcept;
  void* Resize(void* block, size_t bytes) noexcept;
  void Return(void* block) noexcept;

  size_t lent_bytes() const noexcept { return lent_bytes_; }    // as rounded up
  size_t spare_bytes() const noexcept { return spare_bytes_; }  // in blocks that wait for a taker
  // Gives spare blocks back to the heap until at most `keep` bytes are left.
  void Trim(size_t keep) noexcept;

 private:
  struct Block;
  static Block* Map(size_t size) noexcept;

  const size_t spare_max_;
  size_t lent_bytes_ = 0;
  size_t spare_bytes_ = 0;
  std::array<Block*, kBlockBytesMax / kStepBytes> spare_{};  // by size
};

}  // namespace headgate::base
