// A coarse hierarchical timer wheel: thousands of deadlines that move cheaply and almost never fire.
// Owned by a worker; a Timer belongs to who armed it and leaves the wheel when destroyed.
// One thread: the worker's. Sans-I/O: time is an argument.
#pragma once

#include <array>
#include <cstdint>

#include "base/clock.h"
#include "base/intrusive_list.h"

namespace headgate::base {

struct TimerTag {};

// A deadline with what to do then. Moving it later costs one store: the wheel looks again when the old slot comes.
class Timer : public ListNode<TimerTag> {
 public:
  using Callback = void (*)(void* context);
  Timer(Callback callback, void* context) noexcept : callback_(callback), context_(context) {}

  bool armed() const noexcept { return armed_; }
  Instant deadline() const noexcept { return deadline_; }
  // Never fires until armed again.
  void Disarm() noexcept { armed_ = false; }

 private:
  friend class TimerWheel;
  Callback callback_;
  void* context_;
  Instant deadline_{};
  uint64_t slot_tick_ = 0;  // the tick whose slot holds the node while it is linked
  bool armed_ = false;
};

class TimerWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(5);

  explicit TimerWheel(Instant now) noexcept : origin_(now) {}

  // Fires once `deadline` has passed, at most one tick late. Arming an armed timer moves its deadline. What a callback
  // arms for the past fires with the next Advance that moves by a tick.
  void Arm(Timer& timer, Instant deadline) noexcept;
  // Fires everything due by `now`; costs what the slots passed hold, not the time passed. A callback may arm, disarm
  // and destroy timers, its own included, but not call Advance.
  void Advance(Instant now) noexcept;
  // Up to this instant nothing will fire (a lower bound, for the loop's wait). Instant::max() when the wheel is empty;
  // a timer that was disarmed stays until its slot comes.
  Instant NextDue() const noexcept;

 private:
  static constexpr size_t kSlots = 256;
  static constexpr size_t kLevels = 4;  // 5 ms ticks: 1.28 s, 5.5 min, 23 h, 248 days
  using Slot = IntrusiveList<Timer, TimerTag>;

  uint64_t TickOf(Instant at) const noexcept;  // rounded up
  void Link(Timer& timer, uint64_t tick) noexcept;
  void Visit(uint64_t tick, Instant now) noexcept;
  void Cascade(size_t level) noexcept;
  void Expire(Slot& slot, Instant now) noexcept;
  Slot& Take(size_t level, uint64_t tick) noexcept;
  // The first tick after tick_ that has a slot to visit, kNoTick if there is none.
  uint64_t NextTick() const noexcept;

  static constexpr uint64_t kNoTick = UINT64_MAX;
  static constexpr size_t kWords = kSlots / 64;

  Instant origin_;
  uint64_t tick_ = 0;   // every tick up to this one has been expired
  uint64_t floor_ = 0;  // no timer is linked at or before this tick: tick_, and while advancing where it will end
  std::array<std::array<Slot, kSlots>, kLevels> levels_;
  // A bit per slot that may hold a timer. Timers leave by themselves, so that only a visit clears it.
  std::array<std::array<uint64_t, kWords>, kLevels> filled_{};
};

}  // namespace headgate::base
