#include "control/dns/refresh.h"

#include <algorithm>

namespace headgate::control::dns {
namespace {

constexpr uint32_t kDoublingsMax = 5;

}  // namespace

base::Duration Refresh::Take(const Answer& answer) {
  changed_ = false;
  base::Duration wait = std::clamp<base::Duration>(answer.ttl, kTtlMin, kTtlMax);
  if (!answer.status.ok() || !answer.missing.empty()) {
    const base::Duration retry =
        std::min<base::Duration>(kRetryMin * (1U << std::min(failures_, kDoublingsMax)), kRetryMax);
    wait = answer.status.ok() ? std::min(wait, retry) : retry;
    ++failures_;
  } else if (answer.complete) {
    failures_ = 0;
  }
  if (!answer.status.ok()) return wait;
  Answer known{.v4 = answer.v4.value_or(v4_), .v6 = answer.v6.value_or(v6_)};
  std::vector<base::IpAddress> addresses = known.addresses();
  v4_ = std::move(*known.v4);
  v6_ = std::move(*known.v6);
  changed_ = addresses != addresses_;
  addresses_ = std::move(addresses);
  return wait;
}

}  // namespace headgate::control::dns
