// How many requests a route takes in a time, and whose are counted together.
// Part of a route's policy: const once published.
// Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "http/header_name.h"

namespace headgate::routing {

struct RateLimitPolicy {
  enum class By : uint8_t { kClientIp, kHeader, kRoute };
  uint32_t requests = 0;  // in each `per`; 0: no limit
  base::Duration per{0};
  uint32_t burst = 0;  // at once
  By by = By::kClientIp;
  std::string header;  // lower case
  http::HeaderId header_id = http::HeaderId::kOther;
  std::vector<base::Cidr> except;
  bool dry_run = false;
  bool limits() const noexcept { return requests > 0; }
  bool operator==(const RateLimitPolicy&) const = default;
};

}  // namespace headgate::routing
