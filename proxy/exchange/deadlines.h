// Deadlines that move with what happens. Pure.
// Part of an exchange or a forwarder.
// One thread: the worker's.
#pragma once

#include <algorithm>

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

// A client's request: timeouts.request and grpc-timeout, then timeouts.idle. Instant::max(): none.
class RequestDeadlines {
 public:
  void Limit(base::Instant request) noexcept { request_ = std::min(request_, request); }
  // grpc-timeout holds beyond the response's head, unlike timeouts.request.
  void LimitCall(base::Instant call) noexcept {
    call_ = call;
    Limit(call);
  }
  void KeepOnlyCall() noexcept { request_ = call_; }
  void Lift() noexcept { request_ = base::Instant::max(); }
  base::Instant request() const noexcept { return request_; }
  base::Instant Next() const noexcept { return std::min(request_, idle.deadline()); }
  // The detail of a request that is late.
  const char* Name(base::Instant now, bool connecting) const noexcept {
    if (now >= call_) return connecting ? "grpc-timeout passed while connecting" : "grpc-timeout passed";
    return connecting ? "timeouts.request passed while connecting" : "timeouts.request passed";
  }

  IdleClock idle;

 private:
  base::Instant request_ = base::Instant::max();
  base::Instant call_ = base::Instant::max();
};

}  // namespace headgate::proxy
