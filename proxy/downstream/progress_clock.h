// Watches that a peer makes progress: something within `idle`, and `rate` bytes per second over a window of 30 s.
// Runs only between Start and Stop, so that nobody is blamed for time in which it was not its turn. Pure.
// Owned by a connection.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace headgate::proxy {

class ProgressClock {
 public:
  static constexpr base::Duration kWindow = std::chrono::seconds(30);

  // idle 0: no such limit; bytes_per_second 0: no such limit.
  ProgressClock(base::Duration idle, uint32_t bytes_per_second) noexcept : idle_(idle), rate_(bytes_per_second) {}

  void Start(base::Instant now) noexcept {
    if (running_) return;
    running_ = true;
    last_progress_ = now;
    resumed_ = now;
  }
  void Stop(base::Instant now) noexcept {
    if (!running_) return;
    running_ = false;
    window_used_ += now - resumed_;
  }
  void Progress(base::Instant now, uint64_t bytes) noexcept {
    last_progress_ = now;
    window_bytes_ += bytes;
  }
  bool running() const noexcept { return running_; }
  // Its window of kWindow began just now.
  bool window_is_new(base::Instant now) const noexcept {
    return running_ && window_used_.count() == 0 && resumed_ == now;
  }

  // The next instant at which Expired may become true; Instant::max() when it cannot.
  base::Instant Deadline() const noexcept {
    if (!running_) return base::Instant::max();
    base::Instant deadline = base::Instant::max();
    if (idle_.count() > 0) deadline = last_progress_ + idle_;
    if (rate_ > 0) deadline = std::min(deadline, resumed_ + (kWindow - window_used_));
    return deadline;
  }
  // True when the peer was too slow. Begins a new window when one ended well.
  bool Expired(base::Instant now) noexcept {
    if (!running_) return false;
    if (idle_.count() > 0 && now - last_progress_ >= idle_) return true;
    if (rate_ == 0 || window_used_ + (now - resumed_) < kWindow) return false;
    const uint64_t wanted =
        uint64_t{rate_} * static_cast<uint64_t>(std::chrono::seconds(kWindow / std::chrono::seconds(1)).count());
    if (window_bytes_ < wanted) return true;
    window_bytes_ = 0;
    window_used_ = base::Duration{0};
    resumed_ = now;
    return false;
  }

 private:
  base::Duration idle_;
  uint32_t rate_;
  bool running_ = false;
  base::Instant last_progress_{};
  base::Instant resumed_{};
  base::Duration window_used_{0};
  uint64_t window_bytes_ = 0;
};

}  // namespace headgate::proxy
