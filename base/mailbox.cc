#include "base/mailbox.h"

namespace headgate::base {

bool Mailbox::Post(std::unique_ptr<Message> message) noexcept {
  Message* posted = message.release();
  Message* newest = newest_.load(std::memory_order_relaxed);
  do {
    posted->next_ = newest;
  } while (!newest_.compare_exchange_weak(newest, posted, std::memory_order_release, std::memory_order_relaxed));
  return newest == nullptr;
}

size_t Mailbox::Drain() noexcept {
  Message* taken = newest_.exchange(nullptr, std::memory_order_acquire);
  Message* oldest = nullptr;
  while (taken != nullptr) {
    Message* next = taken->next_;
    taken->next_ = oldest;
    oldest = taken;
    taken = next;
  }
  size_t ran = 0;
  while (oldest != nullptr) {
    std::unique_ptr<Message> message(oldest);
    oldest = oldest->next_;
    message->Run();
    ++ran;
  }
  return ran;
}

Mailbox::~Mailbox() {
  Message* taken = newest_.exchange(nullptr, std::memory_order_acquire);
  while (taken != nullptr) {
    std::unique_ptr<Message> message(taken);
    taken = taken->next_;
  }
}

}  // namespace headgate::base
