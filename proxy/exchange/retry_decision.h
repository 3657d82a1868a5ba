// Whether a failed attempt may be followed by another one. Pure: a request that reached an upstream is repeated only
// if the policy allows its method, nothing of it was sent, or the upstream said that it had not begun with it.
// Stateless.
// Any thread.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "http/method.h"
#include "routing/policy/retry.h"

namespace headgate::proxy {

struct RetryQuestion {
  base::Error error;    // why the attempt failed; code kNone: by `status`
  uint16_t status = 0;  // a final status that came
  http::Method method = http::Method::kGet;
  uint32_t retries_done = 0;
  bool stale_retry_done = false;  // the one retry that a stale connection is worth was used
  bool any_byte_sent = false;
  bool any_byte_received = false;
  bool body_replayable = true;  // everything sent so far is still in the replay buffer
};

enum class RetryVerdict : uint8_t {
  kNo,
  kStale,  // at once on a fresh connection; not counted: the connection was dead, not the upstream
  kYes,
};

RetryVerdict DecideRetry(const routing::RetryPolicy& policy, const RetryQuestion& question) noexcept;

// Full jitter: uniform in [0, backoff * 2^n], which grows to 1 s, or to a backoff that is longer.
base::Duration BackoffBefore(const routing::RetryPolicy& policy, uint32_t retries_done, base::Rng& rng) noexcept;

}  // namespace headgate::proxy
