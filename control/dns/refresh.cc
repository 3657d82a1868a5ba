#include "control/dns/refresh.h"

#include <algorithm>

namespace headgate::control::dns {
namespace {

constexpr uint32_t kDoublingsMax = 5;

}  // namespace

// Whether it has been said for long enough that there is no address. No answer at all neither confirms nor ends it.
bool Refresh::Denied(base::Instant now) {
  if (denials_++ == 0) denied_since_ = now;
  return denials_ >= kDenialsMin && now - denied_since_ >= kDeniedMin;
}

base::Duration Refresh::Take(const Answer& answer, base::Instant now) {
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
  if (absl::IsNotFound(answer.status) && !addresses_.empty()) {
    if (!Denied(now)) return std::min<base::Duration>(wait, kDeniedRetryMax);
    for (auto* gone : {&v4_, &v6_, &addresses_}) gone->clear();
    changed_ = true;
  }
  if (!answer.status.ok()) return wait;
  denials_ = 0;
  Answer known{.v4 = answer.v4.value_or(v4_), .v6 = answer.v6.value_or(v6_)};
  std::vector<base::IpAddress> addresses = known.addresses();
  v4_ = std::move(*known.v4);
  v6_ = std::move(*known.v6);
  changed_ = addresses != addresses_;
  addresses_ = std::move(addresses);
  return wait;
}

}  // namespace headgate::control::dns
