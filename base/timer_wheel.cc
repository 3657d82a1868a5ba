#include "base/timer_wheel.h"

#include <algorithm>

namespace headgate::base {

uint64_t TimerWheel::TickOf(Instant at) const noexcept {
  if (at <= origin_) return 0;
  const auto since = static_cast<uint64_t>((at - origin_).count());
  const auto tick = static_cast<uint64_t>(kTick.count());
  return (since + tick - 1) / tick;
}

void TimerWheel::Arm(Timer& timer, Instant deadline) noexcept {
  timer.deadline_ = deadline;
  timer.armed_ = true;
  const uint64_t tick = std::max(TickOf(deadline), tick_ + 1);
  if (timer.linked() && timer.slot_tick_ <= tick) return;
  Link(timer, tick);
}

void TimerWheel::Link(Timer& timer, uint64_t tick) noexcept {
  uint64_t ahead = tick - tick_;
  size_t level = 0;
  while (level + 1 < kLevels && ahead >= (uint64_t{1} << (8 * (level + 1)))) ++level;
  constexpr uint64_t kFar = (uint64_t{1} << 32) - 1;
  if (ahead > kFar) tick = tick_ + kFar;
  timer.slot_tick_ = tick;
  levels_[level][(tick >> (8 * level)) & (kSlots - 1)].PushBack(timer);
}

void TimerWheel::Cascade(size_t level) noexcept {
  if (level >= kLevels) return;
  const size_t index = (tick_ >> (8 * level)) & (kSlots - 1);
  if (index == 0) Cascade(level + 1);
  Slot& slot = levels_[level][index];
  Slot moved;
  while (Timer* timer = slot.PopFront()) moved.PushBack(*timer);
  while (Timer* timer = moved.PopFront()) {
    if (timer->armed_) Link(*timer, std::max(TickOf(timer->deadline_), tick_));
  }
}

void TimerWheel::Expire(Slot& slot, Instant now) noexcept {
  Slot due;
  while (Timer* timer = slot.PopFront()) due.PushBack(*timer);
  while (Timer* timer = due.PopFront()) {
    if (!timer->armed_) continue;
    if (timer->deadline_ > now) {
      Link(*timer, std::max(TickOf(timer->deadline_), tick_ + 1));
      continue;
    }
    timer->armed_ = false;
    timer->callback_(timer->context_);
  }
}

void TimerWheel::Advance(Instant now) noexcept {
  if (now < origin_) return;
  const auto target = static_cast<uint64_t>((now - origin_).count()) / static_cast<uint64_t>(kTick.count());
  while (tick_ < target) {
    ++tick_;
    const size_t index = tick_ & (kSlots - 1);
    if (index == 0) Cascade(1);
    Slot& slot = levels_[0][index];
    if (!slot.empty()) Expire(slot, now);
  }
}

Instant TimerWheel::NextDue() const noexcept {
  for (uint64_t ahead = 1; ahead <= kSlots; ++ahead) {
    const uint64_t tick = tick_ + ahead;
    const bool cascades = (tick & (kSlots - 1)) == 0;
    if (cascades || !levels_[0][tick & (kSlots - 1)].empty()) return origin_ + kTick * static_cast<int64_t>(tick);
  }
  return Instant::max();
}

}  // namespace headgate::base
