#include "base/block_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include "base/check.h"
#include "base/poison.h"

namespace headgate::base {

// Stands before the bytes that are lent.
struct alignas(std::max_align_t) BlockPool::Block {
  size_t size;  // usable, a multiple of kStepBytes
  Block* next = nullptr;
  bool mapped = false;  // in pages of its own

  static Block* Of(void* bytes) noexcept { return static_cast<Block*>(bytes) - 1; }
  void* bytes() noexcept { return this + 1; }
};

namespace {

constexpr size_t IndexOf(size_t size) { return size / BlockPool::kStepBytes - 1; }

}  // namespace

BlockPool::~BlockPool() {
  HG_CHECK(lent_bytes_ == 0);
  Trim(0);
}

void* BlockPool::Take(size_t bytes) noexcept {
  if (bytes > std::numeric_limits<size_t>::max() - sizeof(Block) - kStepBytes) return nullptr;
  const size_t size = (std::max<size_t>(bytes, 1) + kStepBytes - 1) / kStepBytes * kStepBytes;
  if (size <= kBlockBytesMax) {
    Block*& first = spare_[IndexOf(size)];
    if (first != nullptr) {
      Block* block = first;
      first = block->next;
      spare_bytes_ -= size;
      lent_bytes_ += size;
      Unpoison(block->bytes(), size);
      return block->bytes();
    }
  }
  Block* block = size >= kMappedFrom ? Map(size) : nullptr;
  if (block == nullptr) {
    void* memory = std::malloc(sizeof(Block) + size);
    if (memory == nullptr) return nullptr;
    block = new (memory) Block{.size = size};
  }
  lent_bytes_ += size;
  return block->bytes();
}

// Without huge pages, which would bring in what nobody touched.
BlockPool::Block* BlockPool::Map(size_t size) noexcept {
  const size_t bytes = sizeof(Block) + size;
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  ::madvise(memory, bytes, MADV_NOHUGEPAGE);
  return new (memory) Block{.size = size, .mapped = true};
}

void* BlockPool::TakeZeroed(size_t count, size_t bytes) noexcept {
  if (bytes != 0 && count > std::numeric_limits<size_t>::max() / bytes) return nullptr;
  void* block = Take(count * bytes);
  if (block != nullptr) std::memset(block, 0, count * bytes);
  return block;
}

void* BlockPool::Resize(void* block, size_t bytes) noexcept {
  if (block == nullptr) return Take(bytes);
  const size_t size = Block::Of(block)->size;
  if (bytes <= size) return block;
  void* moved = Take(bytes);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, block, size);
  Return(block);
  return moved;
}

void BlockPool::Return(void* bytes) noexcept {
  if (bytes == nullptr) return;
  Block* block = Block::Of(bytes);
  const size_t size = block->size;
  lent_bytes_ -= size;
  if (block->mapped) {
    ::munmap(block, sizeof(Block) + size);
    return;
  }
  if (size > kBlockBytesMax || spare_bytes_ + size > spare_max_) {
    std::free(block);
    return;
  }
  Block*& first = spare_[IndexOf(size)];
  block->next = first;
  first = block;
  spare_bytes_ += size;
  Poison(bytes, size);
}

void BlockPool::Trim(size_t keep) noexcept {
  // The largest first: they give back most with the fewest calls.
  for (size_t index = spare_.size(); index-- > 0 && spare_bytes_ > keep;) {
    while (spare_[index] != nullptr && spare_bytes_ > keep) {
      Block* block = spare_[index];
      spare_[index] = block->next;
      spare_bytes_ -= block->size;
      Unpoison(block->bytes(), block->size);
      std::free(block);
    }
  }
}

}  // namespace headgate::base
