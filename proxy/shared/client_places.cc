#include "proxy/shared/client_places.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string_view>

#include "base/crypto/random.h"
#include "base/hash.h"

namespace headgate::proxy {

static_assert(sizeof(std::atomic<uint64_t>) == sizeof(uint64_t) && std::atomic<uint64_t>::is_always_lock_free);

void ClientPlaces::Free::operator()(void* memory) const noexcept { std::free(memory); }

// Zero bytes are an atomic zero. calloc leaves pages that nobody wrote to the kernel.
ClientPlaces::ClientPlaces()
    : slots_(static_cast<std::atomic<uint64_t>*>(std::calloc(kSlots, sizeof(std::atomic<uint64_t>)))) {
  if (slots_ == nullptr) throw std::bad_alloc();
  base::RandomBytes({reinterpret_cast<uint8_t*>(&seed_), sizeof seed_});
}

bool ClientPlaces::Take(const base::IpAddress& client, uint64_t limit, Place& place) noexcept {
  constexpr size_t kPrefixBytes = 8;
  const auto& bytes = client.bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              client.is_v4() ? bytes.size() : kPrefixBytes);
  const uint64_t hash = base::StableHash64(text, seed_);
  const uint64_t tag = hash & ~kCountMax;
  limit = std::min(limit, kCountMax - 1);
  constexpr int kAttempts = 8;  // others may be quicker; then the connection is not counted
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::atomic<uint64_t>* room = nullptr;
    uint64_t before = 0;
    for (size_t i = 0; i < kProbes; ++i) {
      std::atomic<uint64_t>& slot = slots_[(hash + i) % kSlots];
      const uint64_t word = slot.load(std::memory_order_relaxed);
      const bool free = (word & kCountMax) == 0;
      const bool mine = !free && (word & ~kCountMax) == tag;
      if (mine || (free && room == nullptr)) {
        room = &slot;
        before = word;
      }
      if (mine) break;
    }
    if (room == nullptr) return true;
    const bool mine = (before & kCountMax) != 0;
    if (mine && (before & kCountMax) >= limit) return false;
    const uint64_t after = mine ? before + 1 : tag + 1;
    if (!room->compare_exchange_weak(before, after, std::memory_order_relaxed)) continue;
    place = Place(room);
    return true;
  }
  return true;
}

}  // namespace headgate::proxy
