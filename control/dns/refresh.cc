#include "control/dns/refresh.h"

#include <algorithm>

namespace headgate::control::dns {
namespace {

constexpr uint32_t kDoublingsMax = 5;

}  // namespace

base::Duration Refresh::Take(const Answer& answer) {
  changed_ = false;
  if (!answer.status.ok()) {
    const base::Duration wait = kRetryMin * (1U << std::min(failures_, kDoublingsMax));
    ++failures_;
    return std::min<base::Duration>(wait, kRetryMax);
  }
  failures_ = 0;
  changed_ = answer.addresses != addresses_;
  if (changed_) addresses_ = answer.addresses;
  return std::clamp<base::Duration>(answer.ttl, kTtlMin, kTtlMax);
}

}  // namespace headgate::control::dns
