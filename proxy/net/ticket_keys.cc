#include <openssl/crypto.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/crypto/random.h"
#include "proxy/net/tls_context.h"

namespace headgate::proxy::net {

namespace {

constexpr uint64_t kSlots = 4;     // those accepted, and the one that is written next
constexpr uint64_t kAccepted = 3;  // the newest and two before
constexpr size_t kWords = sizeof(TicketKeys::Key) / sizeof(uint64_t);
static_assert(kWords * sizeof(uint64_t) == sizeof(TicketKeys::Key));

}  // namespace

struct TicketKeys::Impl {
  using Slot = std::array<std::atomic<uint64_t>, kWords>;

  // Key number n lies in slot n % kSlots. The slot of `newest` + 1 is written before that number is published, so a
  // reader's copy of one of the accepted is whole if `newest` has not moved while it copied.
  std::array<Slot, kSlots> slots{};
  std::atomic<uint64_t> newest{0};

  void Store(uint64_t number, const Key& key) noexcept {
    uint64_t words[kWords];
    std::memcpy(words, &key, sizeof(key));
    // A reader that sees one of these words sees, after its fence, that the number before is no longer accepted.
    for (size_t i = 0; i < kWords; ++i) slots[number % kSlots][i].store(words[i], std::memory_order_release);
    OPENSSL_cleanse(words, sizeof(words));
  }
  Key Load(uint64_t number) const noexcept {
    uint64_t words[kWords];
    for (size_t i = 0; i < kWords; ++i) words[i] = slots[number % kSlots][i].load(std::memory_order_acquire);
    Key key;
    std::memcpy(&key, words, sizeof(key));
    return key;
  }
  // Calls `read` with the newest number until the number did not move meanwhile.
  template <class F>
  void Steadily(F&& read) const noexcept {
    uint64_t before = newest.load(std::memory_order_acquire);
    while (true) {
      read(before);
      const uint64_t after = newest.load(std::memory_order_acquire);
      if (after == before) return;
      before = after;
    }
  }
};

TicketKeys::TicketKeys() : impl_(std::make_unique<Impl>()) { Rotate(); }

TicketKeys::~TicketKeys() { OPENSSL_cleanse(static_cast<void*>(impl_->slots.data()), sizeof(impl_->slots)); }

void TicketKeys::Rotate() {
  Key key;
  base::RandomBytes(std::span(reinterpret_cast<uint8_t*>(&key), sizeof(key)));
  const uint64_t number = impl_->newest.load(std::memory_order_relaxed) + 1;
  impl_->Store(number, key);
  impl_->newest.store(number, std::memory_order_release);
  OPENSSL_cleanse(&key, sizeof(key));
}

TicketKeys::Key TicketKeys::Newest() const noexcept {
  Key key;
  impl_->Steadily([&](uint64_t newest) { key = impl_->Load(newest); });
  return key;
}

bool TicketKeys::Find(std::span<const uint8_t, 16> name, Key& key, bool& newest) const noexcept {
  bool found = false;
  impl_->Steadily([&](uint64_t number) {
    found = false;
    // The first key is number 1.
    for (uint64_t age = 0; age < kAccepted && age < number && !found; ++age) {
      key = impl_->Load(number - age);
      found = std::equal(name.begin(), name.end(), key.name.begin());
      newest = age == 0;
    }
  });
  return found;
}

}  // namespace headgate::proxy::net
