#include "base/slab.h"

#include <sys/uio.h>

#include <new>

#include "base/poison.h"

namespace headgate::base {

SlabPool::~SlabPool() {
  HG_CHECK(lent_ == 0);
  Trim(0);
}

SlabRef SlabPool::Take() {
  if (spare_ != nullptr) {
    Slab* slab = spare_;
    spare_ = slab->next_;
    --spare_count_;
    ++lent_;
    slab->refs_ = 1;
    Unpoison(slab->data(), slab->size_);
    return SlabRef(slab);
  }
  void* block = ::operator new(Slab::kBlockBytes);
  ++lent_;
  return SlabRef(new (block) Slab(this, static_cast<uint32_t>(kSlabBytes)));
}

SlabRef SlabPool::TakeLarge(size_t bytes) {
  if (bytes <= kSlabBytes) return Take();
  HG_CHECK(bytes <= UINT32_MAX);
  void* block = ::operator new(sizeof(Slab) + bytes);
  ++lent_;
  return SlabRef(new (block) Slab(this, static_cast<uint32_t>(bytes)));
}

void SlabPool::Return(Slab* slab) noexcept {
  --lent_;
  Unpoison(slab->data(), slab->size_);  // an arena poisons what it did not use
  if (slab->size_ != kSlabBytes || spare_count_ >= spare_max_) {
    ::operator delete(slab);
    return;
  }
  slab->next_ = spare_;
  spare_ = slab;
  ++spare_count_;
  Poison(slab->data(), slab->size_);
}

void SlabPool::Trim(size_t keep) noexcept {
  while (spare_count_ > keep) {
    Slab* slab = spare_;
    spare_ = slab->next_;
    --spare_count_;
    Unpoison(slab->data(), slab->size_);
    ::operator delete(slab);
  }
}

void Chain::Append(Slice slice) {
  if (slice.empty()) return;
  size_ += slice.size();
  if (first_ < slices_.size()) {
    Slice& last = slices_.back();
    const bool continues = last.data() + last.size() == slice.data() && last.owner().get() == slice.owner().get();
    if (continues) {
      last = Slice(last.owner(), last.data(), last.size() + slice.size());
      return;
    }
  }
  slices_.push_back(std::move(slice));
}

void Chain::Append(Chain& other) {
  HG_CHECK(&other != this);
  for (size_t i = other.first_; i < other.slices_.size(); ++i) Append(std::move(other.slices_[i]));
  other.slices_.clear();
  other.first_ = 0;
  other.size_ = 0;
}

void Chain::MoveTo(Chain& to, size_t bytes) {
  HG_CHECK(&to != this);
  while (bytes > 0 && first_ < slices_.size()) {
    Slice& slice = slices_[first_];
    if (slice.size() > bytes) {
      to.Append(Slice(slice.owner(), slice.data(), bytes));
      Consume(bytes);
      return;
    }
    const size_t moved = slice.size();
    to.Append(slice);
    Consume(moved);
    bytes -= moved;
  }
}

void Chain::Consume(size_t bytes) noexcept {
  HG_CHECK(bytes <= size_);
  size_ -= bytes;
  while (bytes > 0) {
    Slice& slice = slices_[first_];
    if (slice.size() > bytes) {
      slice.RemovePrefix(bytes);
      break;
    }
    bytes -= slice.size();
    slice = Slice();
    ++first_;
  }
  if (first_ == slices_.size()) {
    slices_.clear();
    first_ = 0;
  } else if (first_ > 32 && first_ * 2 > slices_.size()) {
    slices_.erase(slices_.begin(), slices_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void Chain::Clear() noexcept {
  slices_.clear();
  first_ = 0;
  size_ = 0;
}

size_t Chain::Gather(std::span<iovec> vectors) const noexcept {
  size_t count = 0;
  for (size_t i = first_; i < slices_.size() && count < vectors.size(); ++i, ++count) {
    vectors[count].iov_base = const_cast<char*>(slices_[i].data());
    vectors[count].iov_len = slices_[i].size();
  }
  return count;
}

void Chain::ShareTo(Chain& to) const {
  HG_CHECK(&to != this);
  for (size_t i = first_; i < slices_.size(); ++i) to.Append(slices_[i]);
}

}  // namespace headgate::base
