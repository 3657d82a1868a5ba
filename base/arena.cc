#include "base/arena.h"

#include <algorithm>

namespace headgate::base {
namespace {

// Nothing that one exchange needs comes near; a larger size is an underflow of ours.
constexpr size_t kArenaPieceBytesMax = size_t{1} << 30U;

}  // namespace

void* Arena::AllocateSlow(size_t bytes, size_t align) {
  constexpr size_t kLinkBytes = sizeof(Slab*);
  HG_CHECK(bytes <= kArenaPieceBytesMax);
  SlabRef slab = pool_.TakeLarge(std::max(kLinkBytes + bytes + align, kSlabBytes));
  std::memcpy(slab->data(), &newest_, kLinkBytes);
  next_ = slab->data() + kLinkBytes;
  end_ = slab->data() + slab->size();
  Poison(next_, static_cast<size_t>(end_ - next_));
  newest_ = slab.release();
  return Allocate(bytes, align);
}

void Arena::ReturnSlabs() noexcept {
  while (newest_ != nullptr) {
    const SlabRef slab(newest_);
    std::memcpy(&newest_, slab->data(), sizeof(newest_));
  }
}

std::string_view Arena::Concat(std::initializer_list<std::string_view> pieces) {
  size_t bytes = 0;
  for (std::string_view piece : pieces) bytes += piece.size();
  if (bytes == 0) return {};
  char* text = static_cast<char*>(Allocate(bytes, 1));
  char* at = text;
  for (std::string_view piece : pieces) {
    if (piece.empty()) continue;
    std::memcpy(at, piece.data(), piece.size());
    at += piece.size();
  }
  return {text, bytes};
}

}  // namespace headgate::base
