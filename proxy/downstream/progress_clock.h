// Watches that a peer makes progress: something within `idle`, and `rate` bytes per second over the last 30 s, which
// are looked at every 5 s. Runs only between Start and Stop, so that nobody is blamed for time in which it was not its
// turn, nor praised for bytes that nobody waited for. Pure.
// Owned by a connection.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>

#include "base/clock.h"

namespace headgate::proxy {

class ProgressClock {
 public:
  static constexpr base::Duration kWindow = std::chrono::seconds(30);
  static constexpr size_t kParts = 6;
  static constexpr base::Duration kPart = kWindow / kParts;

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
    part_used_ += now - resumed_;
  }
  void Progress(base::Instant now, uint64_t bytes) noexcept {
    if (!running_) return;
    last_progress_ = now;
    bytes_[part_] += bytes;
  }
  bool running() const noexcept { return running_; }
  // Its window of kWindow began just now.
  bool window_is_new(base::Instant now) const noexcept {
    return running_ && part_ == 0 && part_used_.count() == 0 && resumed_ == now;
  }

  // The next instant at which Expired may become true; Instant::max() when it cannot.
  base::Instant Deadline() const noexcept {
    if (!running_) return base::Instant::max();
    base::Instant deadline = base::Instant::max();
    if (idle_.count() > 0) deadline = last_progress_ + idle_;
    if (rate_ > 0) deadline = std::min(deadline, resumed_ + (kPart - part_used_));
    return deadline;
  }
  // True when the peer was too slow. Begins a new part of the window when one ended well.
  bool Expired(base::Instant now) noexcept {
    if (!running_) return false;
    if (idle_.count() > 0 && now - last_progress_ >= idle_) return true;
    const base::Duration used = part_used_ + (now - resumed_);
    if (rate_ == 0 || used < kPart) return false;
    // Whoever looks late has seen nothing more than one that was in time.
    for (size_t passed = std::min(static_cast<size_t>(used / kPart), kParts); passed > 1; --passed) NextPart();
    const bool whole_window = window_is_full_ || part_ + 1 == kParts;
    if (whole_window && std::accumulate(bytes_.begin(), bytes_.end(), uint64_t{0}) < Wanted()) return true;
    NextPart();
    part_used_ = base::Duration{0};
    resumed_ = now;
    return false;
  }

 private:
  void NextPart() noexcept {
    window_is_full_ = window_is_full_ || part_ + 1 == kParts;
    part_ = (part_ + 1) % kParts;
    bytes_[part_] = 0;
  }
  uint64_t Wanted() const noexcept {
    return uint64_t{rate_} * static_cast<uint64_t>(kWindow / std::chrono::seconds(1));
  }

  base::Duration idle_;
  uint32_t rate_;
  bool running_ = false;
  base::Instant last_progress_{};
  base::Instant resumed_{};
  bool window_is_full_ = false;  // it lasts for kWindow already
  base::Duration part_used_{0};
  size_t part_ = 0;
  std::array<uint64_t, kParts> bytes_{};  // of each part; a ring
};

}  // namespace headgate::proxy
