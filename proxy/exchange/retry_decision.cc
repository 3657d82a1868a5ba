#include "proxy/exchange/retry_decision.h"

#include <algorithm>

namespace headgate::proxy {

using base::ErrorCode;

namespace {

bool Untouched(const RetryQuestion& question) noexcept {
  if (question.error.code == ErrorCode::kNone) return false;
  const base::Retry retry = question.error.retry;
  return retry == base::Retry::kSafe || (retry == base::Retry::kIfReused && !question.any_byte_sent);
}

// Whether the policy names this kind of failure.
bool Named(const routing::RetryPolicy& policy, const RetryQuestion& question) noexcept {
  if (question.error.code == ErrorCode::kNone) return question.status < 600 && policy.on_status.test(question.status);
  const ErrorCode code = question.error.code;
  const bool connecting = code == ErrorCode::kConnectRefused || code == ErrorCode::kConnectFailed ||
                          code == ErrorCode::kConnectTimeout || code == ErrorCode::kUpstreamTls;
  if (connecting) return policy.on_connect_failure;
  // An HTTP/2 upstream says which requests it has not begun with (RFC 9113 8.7): as if it had not been reached.
  if (code == ErrorCode::kUpstreamReset && Untouched(question)) return policy.on_connect_failure || policy.on_reset;
  if (code == ErrorCode::kUpstreamReset) return policy.on_reset && !question.any_byte_received;
  return code == ErrorCode::kUpstreamTimeout && policy.on_timeout;
}

}  // namespace

RetryVerdict DecideRetry(const routing::RetryPolicy& policy, const RetryQuestion& question) noexcept {
  if (!question.body_replayable) return RetryVerdict::kNo;
  const bool stale = question.error.code != ErrorCode::kNone && question.error.retry == base::Retry::kIfReused;
  const bool repeatable =
      policy.attempts > 0 && policy.AllowsMethod(question.method) && http::IsIdempotent(question.method);
  if (stale && (!question.any_byte_sent || repeatable) && !question.stale_retry_done) return RetryVerdict::kStale;
  if (question.retries_done >= policy.attempts || !Named(policy, question)) return RetryVerdict::kNo;
  if (question.any_byte_sent && !Untouched(question) && !policy.AllowsMethod(question.method)) return RetryVerdict::kNo;
  return RetryVerdict::kYes;
}

base::Duration BackoffBefore(const routing::RetryPolicy& policy, uint32_t retries_done, base::Rng& rng) noexcept {
  constexpr base::Duration kGrowsTo = std::chrono::seconds(1);
  if (policy.backoff.count() <= 0) return base::Duration{0};
  const base::Duration most = std::max(kGrowsTo, policy.backoff);
  const base::Duration ceiling = std::min(most, policy.backoff * (int64_t{1} << std::min(retries_done, 10U)));
  return base::Duration{static_cast<int64_t>(rng.Below(static_cast<uint64_t>(ceiling.count()) + 1))};
}

}  // namespace headgate::proxy
