#include "metrics/shard.h"

#include <new>

namespace headgate::metrics {
namespace {

constexpr std::align_val_t kLine{64};

std::atomic<uint64_t>* NewChunk() noexcept {
  return new (kLine, std::nothrow) std::atomic<uint64_t>[Shard::kChunkCells]();
}

void DeleteChunk(std::atomic<uint64_t>* chunk) noexcept { operator delete[](chunk, kLine); }

}  // namespace

Shard::~Shard() {
  for (Directory& chunk : chunks_) DeleteChunk(chunk.load(std::memory_order_relaxed));
  for (Directory& chunk : extensions_) DeleteChunk(chunk.load(std::memory_order_relaxed));
}

// Without memory the numbers go to waste, not the process: the spare chunk is never published.
Shard::Cell* Shard::MakeChunk(Directory& slot) noexcept {
  Cell* chunk = NewChunk();
  if (chunk == nullptr) return spare_.data();
  slot.store(chunk, std::memory_order_release);
  return chunk;
}

const Shard::Cell* Shard::Extension(uint64_t link) const noexcept {
  if (link == 0) return nullptr;
  const size_t cell = (link - 1) * kRequestsCells;
  return extensions_[cell / kChunkCells].load(std::memory_order_acquire) + cell % kChunkCells;
}

// A link holds the number of the next block, counted from 1. Blocks stay with their first one for ever.
Shard::Cell* Shard::MakeExtension(Cell& link) noexcept {
  const size_t cell = size_t{extension_blocks_} * kRequestsCells;
  if (cell / kChunkCells >= kExtensionChunksMax) return nullptr;
  Directory& slot = extensions_[cell / kChunkCells];
  if (slot.load(std::memory_order_relaxed) == nullptr) {
    Cell* chunk = NewChunk();
    if (chunk == nullptr) return nullptr;
    slot.store(chunk, std::memory_order_release);
  }
  ++extension_blocks_;
  link.store(extension_blocks_, std::memory_order_release);
  return slot.load(std::memory_order_relaxed) + cell % kChunkCells;
}

void Shard::CountRequestSlow(Cell* cells, uint64_t key) noexcept {
  for (size_t block = 1;; ++block) {
    for (size_t i = 0; i < kRequestsPairs; ++i) {
      const uint64_t there = cells[2 * i].load(std::memory_order_relaxed);
      if (there == key) return Bump(cells[2 * i + 1], 1);
      if (there != 0) continue;
      cells[2 * i + 1].store(1, std::memory_order_relaxed);
      return cells[2 * i].store(key, std::memory_order_release);
    }
    if (block == kRequestsBlocksMax) return Bump(Beyond(key), 1);
    Cell& link = cells[kLinkCell];
    Cell* next = const_cast<Cell*>(Extension(link.load(std::memory_order_relaxed)));
    if (next == nullptr) next = MakeExtension(link);
    if (next == nullptr) return Bump(Beyond(key), 1);
    cells = next;
  }
}

uint64_t Shard::Read(uint32_t cell) const noexcept {
  const Cell* chunk = chunks_[cell / kChunkCells].load(std::memory_order_acquire);
  return chunk == nullptr ? 0 : chunk[cell % kChunkCells].load(std::memory_order_relaxed);
}

void Shard::AddTo(std::span<uint64_t> sums, uint32_t cell) const noexcept {
  const Cell* chunk = chunks_[cell / kChunkCells].load(std::memory_order_acquire);
  if (chunk == nullptr) return;
  for (size_t i = 0; i < sums.size(); ++i) sums[i] += chunk[cell % kChunkCells + i].load(std::memory_order_relaxed);
}

void Shard::Zero(uint32_t cell, size_t count) noexcept {
  Cell* chunk = chunks_[cell / kChunkCells].load(std::memory_order_acquire);
  if (chunk == nullptr) return;
  for (size_t i = 0; i < count; ++i) chunk[cell % kChunkCells + i].store(0, std::memory_order_relaxed);
}

void Shard::ZeroRequests(RequestsId id) noexcept {
  Cell* chunk = chunks_[id.cell / kChunkCells].load(std::memory_order_acquire);
  if (chunk == nullptr) return;
  Cell* cells = chunk + id.cell % kChunkCells;
  while (cells != nullptr) {
    for (size_t i = 0; i < kLinkCell; ++i) cells[i].store(0, std::memory_order_relaxed);
    cells = const_cast<Cell*>(Extension(cells[kLinkCell].load(std::memory_order_acquire)));
  }
}

}  // namespace headgate::metrics
