#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace headgate::base {

uint64_t StableHash64(std::string_view bytes, uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace headgate::base
