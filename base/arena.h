// Memory of one exchange: bump allocation, freed all at once.
// Owned by the exchange; its first bytes are inline, more come as slabs from the worker's pool.
// One thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/poison.h"
#include "base/slab.h"

namespace headgate::base {

class Arena {
 public:
  static constexpr size_t kInlineBytes = 3 * 1024;

  explicit Arena(SlabPool& pool) noexcept : pool_(pool) { Poison(inline_, kInlineBytes); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    ReturnSlabs();
    Unpoison(inline_, kInlineBytes);
  }

  // Uninitialised memory that lives until Reset. `align` is a power of two.
  void* Allocate(size_t bytes, size_t align = alignof(std::max_align_t)) {
    const uintptr_t at = (reinterpret_cast<uintptr_t>(next_) + (align - 1)) & ~(align - 1);
    const auto end = reinterpret_cast<uintptr_t>(end_);
    if (at <= end && bytes <= end - at) {
      next_ = reinterpret_cast<char*>(at + bytes);
      Unpoison(reinterpret_cast<void*>(at), bytes);
      return reinterpret_cast<void*>(at);
    }
    return AllocateSlow(bytes, align);
  }
  template <class T>
  T* AllocateArray(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    return static_cast<T*>(Allocate(count * sizeof(T), alignof(T)));
  }
  std::string_view Copy(std::string_view text) {
    if (text.empty()) return {};
    char* copy = static_cast<char*>(Allocate(text.size(), 1));
    std::memcpy(copy, text.data(), text.size());
    return {copy, text.size()};
  }
  // One string of several pieces.
  std::string_view Concat(std::initializer_list<std::string_view> pieces);
  // Forgets everything; slabs go back to the pool.
  void Reset() noexcept {
    ReturnSlabs();
    next_ = inline_;
    end_ = inline_ + kInlineBytes;
    Poison(inline_, kInlineBytes);
  }
  SlabPool& pool() noexcept { return pool_; }

 private:
  void* AllocateSlow(size_t bytes, size_t align);
  void ReturnSlabs() noexcept;

  SlabPool& pool_;
  char* next_ = inline_;
  char* end_ = inline_ + kInlineBytes;
  Slab* newest_ = nullptr;  // its first bytes hold the pointer to the one before it
  alignas(std::max_align_t) char inline_[kInlineBytes];
};

}  // namespace headgate::base
