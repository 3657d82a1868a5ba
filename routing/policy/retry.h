// When and how often a request is sent again.
// Part of a compiled configuration: const once published.
// Any thread.
#pragma once

#include <bitset>
#include <cstdint>

#include "base/clock.h"
#include "http/method.h"

namespace headgate::routing {

struct RetryPolicy {
  uint8_t attempts = 2;  // besides the first
  bool on_connect_failure = true;
  bool on_reset = true;                                    // before any byte of the response
  bool on_timeout = false;                                 // backendRequest passed
  std::bitset<600> on_status;                              // by code
  std::bitset<64> methods;                                 // by http::Method, for what may have reached an upstream
  base::Duration backoff = std::chrono::milliseconds(25);  // doubles, full jitter
  // Retries to requests active at the upstream, process-wide, in millionths; 0: none, else 3 at once at least.
  uint32_t budget_ppm = 200'000;
  bool operator==(const RetryPolicy&) const = default;
  bool AllowsMethod(http::Method method) const noexcept { return methods.test(static_cast<size_t>(method)); }
};

}  // namespace headgate::routing
