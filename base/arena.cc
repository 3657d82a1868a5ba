#include "base/arena.h"

#include <algorithm>

namespace headgate::base {

void* Arena::AllocateSlow(size_t bytes, size_t align) {
  SlabRef slab = pool_.TakeLarge(std::max(bytes + align, kSlabBytes));
  next_ = slab->data();
  end_ = next_ + slab->size();
  slabs_.push_back(std::move(slab));
  return Allocate(bytes, align);
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
