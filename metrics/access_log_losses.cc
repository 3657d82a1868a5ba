#include "metrics/access_log_losses.h"

#include <cstring>
#include <utility>

namespace headgate::metrics {

void AccessLogLosses::Count(size_t lines) noexcept {
  if (lines == 0) return;
  shard_.Add(dropped_, lines);
  lost_ += lines;
  if (!warnings_.Admit(base::SystemClock().Now())) return;
  told_ = true;
  base::log::Warning("access log: cannot be written ({}): {} lines are dropped so far", std::strerror(error_), lost_);
}

void AccessLogLosses::Stuck() noexcept {
  if (!warnings_.Admit(base::SystemClock().Now())) return;
  base::log::Warning("access log: its reader does not keep up: lines are dropped");
}

void AccessLogLosses::Recover() noexcept {
  if (std::exchange(told_, false)) base::log::Info("access log: is written again; {} lines were dropped", lost_);
  lost_ = 0;
}

}  // namespace headgate::metrics
