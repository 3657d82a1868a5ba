// A worker's loop: one edge-triggered epoll set, whose descriptor Boost.Asio waits on when there is nothing to do.
// Owned by a worker; handlers register descriptors and outlive their registration by the end of the turn (Graveyard).
// One thread: the worker's, but for Wake.
#pragma once

#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/intrusive_list.h"

namespace headgate::proxy::net {

struct DeferredTag {};

// Told of readiness. Nothing comes after Remove or Forget, not even an event of the same batch.
class IoHandler : public base::ListNode<DeferredTag> {
 public:
  static constexpr uint32_t kReadable = 1;
  static constexpr uint32_t kWritable = 2;
  static constexpr uint32_t kHangup = 4;     // the peer closed its side, or both (EPOLLRDHUP, EPOLLHUP)
  static constexpr uint32_t kFailed = 8;     // EPOLLERR
  static constexpr uint32_t kDeferred = 16;  // asked for by Reactor::Defer
  virtual void OnReady(uint32_t events) = 0;

 protected:
  ~IoHandler() = default;
};

// What the reactor's owner does around the handlers of a turn.
class TurnHooks {
 public:
  // Before events; `now` was read once for the turn. `late`: how long a ready event, or a timer, may have waited for
  // this turn: as long as the turn before it took, or as the kernel overslept.
  virtual void BeginTurn(base::Instant now, base::Duration late) = 0;
  virtual void EndTurn() = 0;                 // after events and deferred handlers: buries the dead
  virtual base::Instant NextDue() const = 0;  // when the loop must turn at the latest (timers)

 protected:
  ~TurnHooks() = default;
};

class Reactor {
 public:
  Reactor(const base::Clock& clock, TurnHooks& hooks);
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Registers for everything, edge-triggered, once. False when the kernel refuses (out of memory, watches).
  bool Add(int descriptor, IoHandler& handler) noexcept;
  // Level-triggered and readable only: for listening sockets.
  bool AddLevelTriggered(int descriptor, IoHandler& handler) noexcept;
  void Remove(int descriptor) noexcept;
  // The same for a descriptor that the caller closes next: the kernel drops it by itself, which saves a system call.
  void Forget(int descriptor) noexcept;
  // Calls handler.OnReady(kDeferred) once more within this turn, after the events at hand. Safe to repeat.
  void Defer(IoHandler& handler) noexcept;
  // Makes the loop turn soon. Any thread.
  void Wake() noexcept;

  // Turns until Stop. `Stop` is called on the loop's thread.
  void Run();
  void Stop() noexcept;
  // One turn: waits at most until `NextDue` and `wait_max`. For tests with a fake clock: wait_max 0.
  void Turn(base::Duration wait_max);

 private:
  struct Impl;  // io_context, descriptors, the batch of events
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::proxy::net
