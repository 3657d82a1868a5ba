// Body bytes: reference-counted slabs of 16 KiB lent by a pool, slices of them, and chains of slices.
// A SlabPool belongs to one worker and outlives every slab it lent; slices own a reference.
// One thread: the worker's. Counts are not atomic.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"

struct iovec;

namespace headgate::base {

class SlabPool;

// A block of memory with a count of those who refer to it. Created only by SlabPool.
class Slab {
 public:
  static constexpr size_t kBlockBytes = 16 * 1024;

  char* data() noexcept { return reinterpret_cast<char*>(this) + sizeof(Slab); }
  size_t size() const noexcept { return size_; }  // bytes usable at data()
  bool unique() const noexcept { return refs_ == 1; }
  void Ref() noexcept { ++refs_; }
  void Unref() noexcept;

 private:
  friend class SlabPool;
  Slab(SlabPool* pool, uint32_t size) : pool_(pool), size_(size) {}
  SlabPool* pool_;
  Slab* next_ = nullptr;
  uint32_t refs_ = 1;
  uint32_t size_;
};

inline constexpr size_t kSlabBytes = Slab::kBlockBytes - sizeof(Slab);

// Owns one reference to a slab.
class SlabRef {
 public:
  SlabRef() noexcept = default;
  explicit SlabRef(Slab* adopted) noexcept : slab_(adopted) {}  // takes over the caller's reference
  SlabRef(const SlabRef& other) noexcept : slab_(other.slab_) {
    if (slab_ != nullptr) slab_->Ref();
  }
  SlabRef(SlabRef&& other) noexcept : slab_(std::exchange(other.slab_, nullptr)) {}
  SlabRef& operator=(SlabRef other) noexcept {
    std::swap(slab_, other.slab_);
    return *this;
  }
  ~SlabRef() { reset(); }
  void reset() noexcept {
    if (slab_ != nullptr) std::exchange(slab_, nullptr)->Unref();
  }
  // Gives up the reference without dropping it; the caller owns it now.
  Slab* release() noexcept { return std::exchange(slab_, nullptr); }
  Slab* get() const noexcept { return slab_; }
  Slab* operator->() const noexcept { return slab_; }
  explicit operator bool() const noexcept { return slab_ != nullptr; }

 private:
  Slab* slab_ = nullptr;
};

// Lends slabs. Keeps up to `spare_max` returned blocks for the next taker and gives the rest back to the allocator.
class SlabPool {
 public:
  explicit SlabPool(size_t spare_max = 256) noexcept : spare_max_(spare_max) {}
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;
  ~SlabPool();

  // A slab of kSlabBytes with one reference. Throws std::bad_alloc when the system has no memory left.
  SlabRef Take();
  // A slab with room for `bytes` (heads beyond one block). Not kept for reuse when it is larger than a block.
  SlabRef TakeLarge(size_t bytes);

  size_t lent() const noexcept { return lent_; }  // slabs that someone holds
  size_t spare() const noexcept { return spare_count_; }
  // Gives spare blocks above `keep` back to the allocator.
  void Trim(size_t keep) noexcept;

 private:
  friend class Slab;
  void Return(Slab* slab) noexcept;
  size_t spare_max_;
  size_t spare_count_ = 0;
  size_t lent_ = 0;
  Slab* spare_ = nullptr;
};

inline void Slab::Unref() noexcept {
  if (--refs_ == 0) pool_->Return(this);
}

// Bytes within a slab (the slice holds a reference) or in memory that outlives the slice (no owner).
class Slice {
 public:
  Slice() noexcept = default;
  Slice(SlabRef owner, const char* data, size_t size) noexcept
      : owner_(std::move(owner)), data_(data), size_(static_cast<uint32_t>(size)) {
    HG_CHECK(size <= UINT32_MAX);
  }
  Slice(const Slice&) noexcept = default;
  Slice& operator=(const Slice&) noexcept = default;
  // What was moved from is empty: it no longer keeps its bytes alive.
  Slice(Slice&& other) noexcept
      : owner_(std::move(other.owner_)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Slice& operator=(Slice&& other) noexcept {
    owner_ = std::move(other.owner_);
    const char* data = std::exchange(other.data_, nullptr);
    const uint32_t size = std::exchange(other.size_, 0);
    data_ = data;
    size_ = size;
    return *this;
  }
  ~Slice() = default;
  // Memory with a longer life than the slice: literals, an exchange's arena, a snapshot that is pinned.
  static Slice Unowned(std::string_view bytes) noexcept { return Slice(SlabRef(), bytes.data(), bytes.size()); }

  const char* data() const noexcept { return data_; }
  size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::string_view view() const noexcept { return {data_, size_}; }
  const SlabRef& owner() const noexcept { return owner_; }
  void RemovePrefix(size_t bytes) noexcept {
    data_ += bytes;
    size_ -= static_cast<uint32_t>(bytes);
  }

 private:
  SlabRef owner_;
  const char* data_ = nullptr;
  uint32_t size_ = 0;
};

// A queue of slices: what waits to be written, or a piece of a body on its way. Keeps its storage when it empties.
class Chain {
 public:
  Chain() noexcept = default;
  Chain(Chain&& other) noexcept
      : slices_(std::move(other.slices_)),
        first_(std::exchange(other.first_, 0)),
        size_(std::exchange(other.size_, 0)) {
    other.slices_.clear();
  }
  Chain& operator=(Chain&& other) noexcept {
    if (this == &other) return *this;
    slices_ = std::move(other.slices_);
    first_ = std::exchange(other.first_, 0);
    size_ = std::exchange(other.size_, 0);
    other.slices_.clear();
    return *this;
  }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  size_t size() const noexcept { return size_; }  // bytes
  bool empty() const noexcept { return size_ == 0; }
  size_t slices() const noexcept { return slices_.size() - first_; }
  size_t storage() const noexcept { return slices_.capacity(); }  // slices that fit without allocating
  const Slice& front() const noexcept { return slices_[first_]; }
  const Slice& operator[](size_t index) const noexcept { return slices_[first_ + index]; }

  // Empty slices are dropped; a slice that continues the last one in the same slab is merged into it.
  void Append(Slice slice);
  // Moves all of `other`, another chain, to this one's end; `other` is empty and keeps its storage.
  void Append(Chain& other);
  // Moves the first min(bytes, size()) bytes to the end of `to`, another chain.
  void MoveTo(Chain& to, size_t bytes);
  // Drops the first `bytes` bytes; bytes <= size().
  void Consume(size_t bytes) noexcept;
  void Clear() noexcept;
  // Fills at most `vectors.size()` entries for writev; returns how many.
  size_t Gather(std::span<iovec> vectors) const noexcept;
  // Appends a copy that shares the slabs to `to`, another chain (for replay).
  void ShareTo(Chain& to) const;

 private:
  std::vector<Slice> slices_;
  size_t first_ = 0;
  size_t size_ = 0;
};

}  // namespace headgate::base
