// Deadlines that move with what happens. Pure.
// Part of an exchange or a forwarder.
// One thread: the worker's.
#pragma once

#include "base/clock.h"

namespace headgate::proxy {

// Something must move within a time; runs between Start and Stop. A timeout of 0 never ends.
class IdleClock {
 public:
  void Start(base::Duration timeout, base::Instant now) noexcept {
    timeout_ = timeout;
    running_ = true;
    Move(now);
  }
  void Stop() noexcept {
    running_ = false;
    deadline_ = base::Instant::max();
  }
  // Something moved.
  void Move(base::Instant now) noexcept {
    if (running_) deadline_ = timeout_.count() > 0 ? now + timeout_ : base::Instant::max();
  }
  // Counts from the next move on.
  void SetTimeout(base::Duration timeout) noexcept { timeout_ = timeout; }
  base::Instant deadline() const noexcept { return deadline_; }  // Instant::max(): none

 private:
  base::Duration timeout_{0};
  base::Instant deadline_ = base::Instant::max();
  bool running_ = false;
};

}  // namespace headgate::proxy
