// The three deadlines of a client's message: one of the state it is in, the body's progress, the reader's progress.
// Part of a connection or a stream.
// One thread: the worker's.
#pragma once

#include <algorithm>

#include "base/clock.h"
#include "proxy/downstream/progress_clock.h"
#include "routing/policy/limits.h"

namespace headgate::proxy {

class MessageClocks {
 public:
  explicit MessageClocks(const routing::LimitsPolicy& limits) noexcept { Reset(limits); }

  // A message begins: no progress is awaited yet.
  void Reset(const routing::LimitsPolicy& limits) noexcept {
    ResetBody(limits);
    ResetReader(limits);
    body_over_ = false;
  }
  void ResetBody(const routing::LimitsPolicy& limits) noexcept {
    body = ProgressClock(limits.body_idle, limits.body_bytes_per_second);
  }
  void ResetReader(const routing::LimitsPolicy& limits) noexcept {
    reader = ProgressClock(base::Duration{0}, limits.read_bytes_per_second);
  }

  void SetDeadline(base::Instant deadline) noexcept { deadline_ = deadline; }
  void ClearDeadline() noexcept { deadline_ = base::Instant::max(); }
  // True once when it has passed.
  bool TakeDeadline(base::Instant now) noexcept {
    if (now < deadline_) return false;
    ClearDeadline();
    return true;
  }

  // From now on the message's body may take its time.
  void EndBody(base::Instant now) noexcept {
    body_over_ = true;
    body.Stop(now);
  }
  // The client may send, and its clock does not run yet.
  bool BodyMayStart() const noexcept { return !body_over_ && !body.running(); }

  // When to look again; Instant::max(): never.
  base::Instant Next() const noexcept { return std::min({deadline_, body.Deadline(), reader.Deadline()}); }

  ProgressClock body{base::Duration{0}, 0};
  ProgressClock reader{base::Duration{0}, 0};

 private:
  base::Instant deadline_ = base::Instant::max();
  bool body_over_ = false;
};

}  // namespace headgate::proxy
