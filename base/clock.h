// Time: a monotonic instant for deadlines, wall time for logs. Tests turn a FakeClock by hand.
// A Clock is owned by app (or a test) and outlives those who read it.
// Any thread (FakeClock: one).
#pragma once

#include <chrono>

namespace headgate::base {

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant Now() const noexcept = 0;
  virtual WallTime WallNow() const noexcept = 0;
};

class SystemClock final : public Clock {
 public:
  Instant Now() const noexcept override { return std::chrono::steady_clock::now(); }
  WallTime WallNow() const noexcept override { return std::chrono::system_clock::now(); }
};

class FakeClock final : public Clock {
 public:
  Instant Now() const noexcept override { return now_; }
  WallTime WallNow() const noexcept override { return wall_; }
  void Advance(Duration by) noexcept {
    now_ += by;
    wall_ += by;
  }

 private:
  Instant now_{std::chrono::hours(1)};
  WallTime wall_{std::chrono::seconds(1'700'000'000)};
};

}  // namespace headgate::base
