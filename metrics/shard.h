// The metric cells of one thread: 64-bit numbers with one writer, summed over all shards at the scrape.
// Owned by metrics::Registry, which outlives the workers.
// Add*, Observe, Count*: the shard's one thread. Read, ForEachRequest, Zero: the scraper.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/clock.h"
#include "metrics/histogram.h"
#include "metrics/ids.h"

namespace headgate::metrics {

class Shard {
 public:
  static constexpr size_t kChunkCells = 1024;
  static constexpr size_t kChunksMax = 2048;
  static constexpr size_t kCellsMax = kChunkCells * kChunksMax;
  static constexpr size_t kRequestsCells = 16;
  static constexpr size_t kRequestsPairs = 7;
  static constexpr uint8_t kGrpcLabel = 0x80;  // beyond every method's label
  // A (method, code) beyond these is counted as `_other`: more than 32 blocks for one RequestsId, or for all of them.
  static constexpr size_t kRequestsBlocksMax = 32;
  static constexpr size_t kExtensionChunksMax = 1024;

  Shard() noexcept = default;
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  void Add(CounterId id, uint64_t n = 1) noexcept { Bump(*Cells(id.cell), n); }
  void AddGauge(GaugeId id, int64_t delta) noexcept { Bump(*Cells(id.cell), static_cast<uint64_t>(delta)); }
  // A negative duration counts as 0.
  void Observe(HistogramId id, base::Duration duration) noexcept {
    const uint64_t ns = duration.count() > 0 ? static_cast<uint64_t>(duration.count()) : 0;
    Cell* cells = Cells(id.cell);
    Bump(cells[kBucketTables[static_cast<size_t>(id.layout)].Find(ns)], 1);
    Bump(cells[kHistogramSumCell], ns);
  }
  // method_label: MethodLabel() of reasons.h. code: as sent to the client.
  void CountRequest(RequestsId id, uint8_t method_label, uint16_t code) noexcept {
    const uint64_t key = RequestKey(method_label, code);
    Cell* cells = Cells(id.cell);
    for (size_t i = 0; i < kRequestsPairs; ++i) {
      if (cells[2 * i].load(std::memory_order_relaxed) == key) return Bump(cells[2 * i + 1], 1);
    }
    CountRequestSlow(cells, key);
  }
  // status_label: GrpcStatusLabel() of reasons.h. Lies among the id's requests, as if it were a method of its own.
  void CountGrpc(RequestsId id, uint8_t status_label) noexcept { CountRequest(id, kGrpcLabel, status_label); }
  // reason: a ProxyErrorReason.
  template <class Reason>
  void CountError(ErrorsId id, Reason reason) noexcept {
    Bump(Cells(id.cell)[static_cast<size_t>(reason)], 1);
  }

  // The scraper's side.
  uint64_t Read(uint32_t cell) const noexcept;
  // Adds the cells of one id from `cell` on to `sums`.
  void AddTo(std::span<uint64_t> sums, uint32_t cell) const noexcept;
  // Calls f(method_label, code, count) for each pair that was counted; with kGrpcLabel the code is a status label.
  template <class F>
  void ForEachRequest(RequestsId id, F&& f) const;
  uint64_t requests_beyond_bounds() const noexcept { return beyond_.load(std::memory_order_relaxed); }
  uint64_t grpc_beyond_bounds() const noexcept { return grpc_beyond_.load(std::memory_order_relaxed); }
  // Absolute value, by whoever is this shard's one writer.
  void Set(uint32_t cell, uint64_t value) noexcept { Cells(cell)->store(value, std::memory_order_relaxed); }
  // Only for cells whose ids no writer holds any more. ZeroRequests keeps the linked blocks for the id's next owner.
  void Zero(uint32_t cell, size_t count) noexcept;
  void ZeroRequests(RequestsId id) noexcept;

 private:
  using Cell = std::atomic<uint64_t>;
  using Directory = std::atomic<Cell*>;

  static constexpr size_t kLinkCell = 2 * kRequestsPairs;

  Cell& Beyond(uint64_t key) noexcept { return (key >> 16U & 0xFFU) == kGrpcLabel ? grpc_beyond_ : beyond_; }
  static constexpr uint64_t RequestKey(uint8_t method_label, uint16_t code) noexcept {
    return (uint64_t{1} << 32U) | (uint64_t{method_label} << 16U) | code;
  }
  // One writer: a load and a store, no locked instruction.
  static void Bump(Cell& cell, uint64_t n) noexcept {
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  // Blocks are aligned to their size, so that the cells of one id never straddle two chunks.
  Cell* Cells(uint32_t cell) noexcept {
    Cell* chunk = chunks_[cell / kChunkCells].load(std::memory_order_relaxed);
    if (__builtin_expect(chunk == nullptr, 0)) chunk = MakeChunk(chunks_[cell / kChunkCells]);
    return chunk + cell % kChunkCells;
  }
  const Cell* Extension(uint64_t link) const noexcept;
  Cell* MakeChunk(Directory& slot) noexcept;
  Cell* MakeExtension(Cell& link) noexcept;
  void CountRequestSlow(Cell* cells, uint64_t key) noexcept;

  std::array<Directory, kChunksMax> chunks_{};
  std::array<Directory, kExtensionChunksMax> extensions_{};
  uint32_t extension_blocks_ = 0;  // the writer's
  Cell beyond_{0};
  Cell grpc_beyond_{0};
  std::array<Cell, kChunkCells> spare_{};
};

template <class F>
void Shard::ForEachRequest(RequestsId id, F&& f) const {
  const Cell* cells = chunks_[id.cell / kChunkCells].load(std::memory_order_acquire);
  if (cells == nullptr) return;
  cells += id.cell % kChunkCells;
  while (cells != nullptr) {
    for (size_t i = 0; i < kRequestsPairs; ++i) {
      const uint64_t key = cells[2 * i].load(std::memory_order_acquire);
      if (key == 0) break;
      f(static_cast<uint8_t>(key >> 16U), static_cast<uint16_t>(key), cells[2 * i + 1].load(std::memory_order_relaxed));
    }
    cells = Extension(cells[kLinkCell].load(std::memory_order_acquire));
  }
}

}  // namespace headgate::metrics
