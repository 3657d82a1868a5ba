// Messages from any thread to one: a lock-free list that the receiver takes whole.
// Owned by the receiver; a message is owned by the mailbox from Post until it has run.
// Post: any thread. Drain: the receiver's thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace headgate::base {

// Something to do on the receiver's thread. A message that was posted but never run is destroyed with the mailbox.
class Message {
 public:
  virtual ~Message() = default;
  virtual void Run() = 0;

 private:
  friend class Mailbox;
  Message* next_ = nullptr;
};

template <class F>
class FunctionMessage final : public Message {
 public:
  explicit FunctionMessage(F function) : function_(std::move(function)) {}
  void Run() override { function_(); }

 private:
  F function_;
};

class Mailbox {
 public:
  Mailbox() noexcept = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  ~Mailbox();

  // True when the mailbox was empty: the caller then wakes the receiver.
  bool Post(std::unique_ptr<Message> message) noexcept;
  // Runs what had arrived, oldest first; returns how many ran. A message that throws ends the process.
  size_t Drain() noexcept;
  bool empty() const noexcept { return newest_.load(std::memory_order_acquire) == nullptr; }

 private:
  std::atomic<Message*> newest_{nullptr};
};

}  // namespace headgate::base
