// The one table that turns an error into a status, a metric's reason and what the access log says.
// Constants.
// Any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "http/h2/abuse_guard.h"
#include "metrics/reasons.h"

namespace headgate::proxy {

struct Outcome {
  uint16_t status = 500;
  metrics::ProxyErrorReason proxy_reason = metrics::ProxyErrorReason::kInternal;
  // Set for what is refused before a route is looked for: counted in headgate_requests_rejected_total instead.
  std::optional<metrics::RejectReason> reject_reason;
  bool close = false;        // the client's connection cannot be used again ("400c" in docs)
  bool retry_after = false;  // 503 with Retry-After: 1
};

Outcome OutcomeOf(base::ErrorCode code) noexcept;

// What an HTTP/2 connection's end for abuse counts as.
metrics::RejectReason RejectReasonOf(http::h2::Abuse abuse) noexcept;

// The word for the client in our own answers ("no route", "body too large"); never names an upstream.
const char* PublicReason(base::ErrorCode code) noexcept;

}  // namespace headgate::proxy
