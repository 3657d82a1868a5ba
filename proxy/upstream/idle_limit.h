// How long an endpoint leaves an idle connection open: what it states (`Keep-Alive: timeout=N`) or what was seen. A
// request that leaves when the endpoint closes is lost, and a POST is not sent again.
// Owned by the pool's place of the endpoint.
// One thread: the worker's.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace headgate::proxy {

class IdleLimit {
 public:
  // The endpoint closed a connection that was idle since `since`. Two that were idle about equally long show its limit;
  // connections that end together, or soon, show a restart.
  void Closed(base::Instant since, base::Instant now) noexcept {
    const base::Duration age = now - since;
    const bool apart = now - last_closed_ >= kApart;
    last_closed_ = now;
    if (age < kShortest || !apart) return;
    const auto [shorter, longer] = std::minmax(age, last_age_);
    if (longer <= 2 * shorter) seen_ = seen_.count() == 0 ? shorter : std::min(seen_, shorter);
    last_age_ = age;
  }

  // How long a connection may be idle and still carry a request; `stated` 0: nothing was stated. Duration::max(): as
  // long as it likes. Not in the last half second of what was stated; a limit that was only seen may vary (gunicorn
  // looks once a second, and the way takes its time), so not in its second half.
  base::Duration Usable(base::Duration stated) const noexcept {
    base::Duration usable = base::Duration::max();
    if (stated.count() > 0) usable = std::max(stated - kMargin, stated / 2);
    if (seen_.count() > 0) usable = std::min(usable, seen_ / 2);
    return usable;
  }

 private:
  static constexpr base::Duration kApart = std::chrono::milliseconds(200);
  static constexpr base::Duration kShortest = std::chrono::seconds(1);
  static constexpr base::Duration kMargin = std::chrono::milliseconds(500);

  base::Duration seen_{0};
  base::Duration last_age_{0};
  base::Instant last_closed_{};
};

}  // namespace headgate::proxy
