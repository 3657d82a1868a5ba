#include "base/timer_wheel.h"

#include <algorithm>
#include <bit>

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
  const uint64_t tick = std::max(TickOf(deadline), floor_ + 1);
  if (timer.linked() && timer.slot_tick_ <= tick) return;
  Link(timer, tick);
}

void TimerWheel::Link(Timer& timer, uint64_t tick) noexcept {
  constexpr uint64_t kFar = (uint64_t{1} << 32) - 1;
  tick = std::min(tick, tick_ + kFar);
  size_t level = 0;
  while (level + 1 < kLevels && tick - tick_ >= (uint64_t{1} << (8 * (level + 1)))) ++level;
  const size_t index = (tick >> (8 * level)) & (kSlots - 1);
  timer.slot_tick_ = tick;
  levels_[level][index].PushBack(timer);
  filled_[level][index / 64] |= uint64_t{1} << (index % 64);
}

TimerWheel::Slot& TimerWheel::Take(size_t level, uint64_t tick) noexcept {
  const size_t index = (tick >> (8 * level)) & (kSlots - 1);
  filled_[level][index / 64] &= ~(uint64_t{1} << (index % 64));
  return levels_[level][index];
}

void TimerWheel::Cascade(size_t level) noexcept {
  Slot moved;
  Slot& slot = Take(level, tick_);
  while (Timer* timer = slot.PopFront()) moved.PushBack(*timer);
  while (Timer* timer = moved.PopFront()) {
    // The slot's tick is the later one if the timer was armed for the past.
    if (timer->armed_) Link(*timer, std::max(TickOf(timer->deadline_), timer->slot_tick_));
  }
}

void TimerWheel::Expire(Slot& slot, Instant now) noexcept {
  Slot due;
  while (Timer* timer = slot.PopFront()) due.PushBack(*timer);
  while (Timer* timer = due.PopFront()) {
    if (!timer->armed_) continue;
    if (timer->deadline_ > now) {
      Link(*timer, std::max(TickOf(timer->deadline_), floor_ + 1));
      continue;
    }
    timer->armed_ = false;
    timer->callback_(timer->context_);
  }
}

void TimerWheel::Visit(uint64_t tick, Instant now) noexcept {
  tick_ = tick;
  // From the top, since a slot of an upper level may pour into the one below that is due as well.
  for (size_t level = kLevels - 1; level > 0; --level) {
    const uint64_t within = (uint64_t{1} << (8 * level)) - 1;
    if ((tick & within) == 0) Cascade(level);
  }
  Expire(Take(0, tick), now);
}

uint64_t TimerWheel::NextTick() const noexcept {
  uint64_t next = kNoTick;
  for (size_t level = 0; level < kLevels; ++level) {
    const uint64_t block = tick_ >> (8 * level);
    const uint64_t start = block + 1;
    // The ring of slots from the one after the current, word by word; the first word is looked at twice, for the bits
    // at and after `start` and, at the end, for those before it.
    for (size_t step = 0; step <= kWords; ++step) {
      const size_t word = (start / 64 + step) % kWords;
      uint64_t bits = filled_[level][word];
      const uint64_t from_start = ~uint64_t{0} << (start % 64);
      if (step == 0) bits &= from_start;
      if (step == kWords) bits &= ~from_start;
      if (bits == 0) continue;
      const uint64_t found = (start / 64 + step) * 64 + static_cast<uint64_t>(std::countr_zero(bits));
      next = std::min(next, found << (8 * level));
      break;
    }
  }
  return next;
}

void TimerWheel::Advance(Instant now) noexcept {
  if (now < origin_) return;
  const auto target = static_cast<uint64_t>((now - origin_).count()) / static_cast<uint64_t>(kTick.count());
  if (target <= tick_) return;
  floor_ = target;
  for (uint64_t tick = NextTick(); tick <= target; tick = NextTick()) Visit(tick, now);
  tick_ = target;
}

Instant TimerWheel::NextDue() const noexcept {
  const uint64_t tick = NextTick();
  if (tick == kNoTick) return Instant::max();
  return origin_ + kTick * static_cast<int64_t>(tick);
}

}  // namespace headgate::base
