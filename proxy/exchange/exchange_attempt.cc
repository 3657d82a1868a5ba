// The exchange's upstream side: connections, the request's way up, retries.
#include <algorithm>

#include "base/limits.h"
#include "proxy/exchange/exchange.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using metrics::UpstreamResult;

namespace {

// Below this a budget would keep a quiet upstream from ever being retried.
constexpr uint64_t kRetriesAlwaysAllowed = 3;
// We ask for a body ourselves when an upstream does not say 100 (RFC 9110 10.1.1).
constexpr base::Duration kContinueAfter = std::chrono::seconds(1);

UpstreamResult ResultOf(ErrorCode code) noexcept {
  const bool connecting = code == ErrorCode::kConnectRefused || code == ErrorCode::kConnectFailed ||
                          code == ErrorCode::kConnectTimeout || code == ErrorCode::kUpstreamTls ||
                          code == ErrorCode::kNoEndpoint || code == ErrorCode::kOverload;
  if (connecting) return UpstreamResult::kConnect;
  const bool late = code == ErrorCode::kUpstreamTimeout || code == ErrorCode::kRequestTimeout;
  return late ? UpstreamResult::kTimeout : UpstreamResult::kReset;
}

}  // namespace

void Exchange::BeginAttempt() {
  const bool fresh = attempt_ && attempt_->fresh_connection;
  const EndpointShared* avoid = attempt_ ? attempt_->avoid : nullptr;
  attempt_.emplace(static_cast<AttemptEvents&>(*this), arena_);
  attempt_->method = request_->method;
  attempt_->upstream_head_bytes = listener_->limits.upstream_head_bytes;
  attempt_->avoid = avoid;
  attempt_->fresh_connection = fresh;
  attempt_open_ = true;
  ++attempts_;
  state_ = State::kConnecting;
  attempt_deadline_ =
      route_->timeouts.backend_request.count() > 0 ? now() + route_->timeouts.backend_request : base::Instant::max();
  base::Result<UpstreamStream*> begun = cluster_->Begin(*attempt_);
  if (!begun.ok()) {
    // Nobody was asked: it counts as no attempt.
    attempt_open_ = false;
    --attempts_;
    return AttemptFailed(begun.error());
  }
  endpoint_text_ = {};
  upstream_head_time_ = base::Duration{-1};
  ArmTimer();
  if (begun.value() != nullptr) SendRequest(*begun.value());
}

void Exchange::OnConnected(UpstreamStream& stream) { SendRequest(stream); }

void Exchange::SendRequest(UpstreamStream& stream) {
  upstream_ = &stream;
  state_ = State::kAwaitingHead;
  endpoint_text_ = arena_.Copy(attempt_->endpoint->text);
  request_->expect_continue = awaiting_continue_ && !continue_sent_;
  const bool nothing_follows =
      request_ended_ && waiting_body_.empty() && replay_.empty() && request_trailers_ == nullptr;
  upstream_->SetResponseCredit(buffer_bytes());
  upstream_->SendHead(*request_, nothing_follows, wants_upgrade_);
  request_end_sent_ = nothing_follows;
  if (awaiting_continue_ && !continue_sent_) {
    continue_deadline_ = now() + kContinueAfter;
    ArmTimer();
  }
  if (!nothing_follows) SendWaitingBody();
  if (attempts_ == 1) overhead_ = services_.worker.clock.Now() - now();
  request_sent_ = now();
  StartIdleClock();
}

// Without timeouts.backendRequest nothing else bounds the wait for the response's head.
void Exchange::StartIdleClock() noexcept {
  if (attempt_deadline_ != base::Instant::max() || state_ != State::kAwaitingHead) return;
  idle_timeout_ = route_->timeouts.idle;
  MoveIdleDeadline();
  ArmTimer();
}

// It is the client's turn, which has limits.bodyIdle; that clock stops for gRPC.
bool Exchange::AwaitsRequestBody() const noexcept {
  if (state_ != State::kAwaitingHead || upstream_ == nullptr || request_ended_ || wants_upgrade_ || request_->is_grpc)
    return false;
  return waiting_body_.size() + upstream_->queued() < buffer_bytes();
}

// What a former attempt had sent comes first, then what arrived meanwhile.
void Exchange::SendWaitingBody() {
  base::Chain& data = outgoing_;
  if (attempts_ > 1 && replayable_) replay_.ShareTo(data);
  if (attempts_ == 1 || replayable_) KeepForReplay(waiting_body_);
  data.Append(waiting_body_);
  const bool end = request_ended_ && request_trailers_ == nullptr;
  if (!data.empty() || end) upstream_->SendBody(data, end);
  if (request_ended_ && request_trailers_ != nullptr) upstream_->SendTrailers(*request_trailers_);
  request_end_sent_ = request_ended_;
  UpdateRequestCredit();
}

// While a retry is possible its body is shared, not copied; above the bound there is no retry once bytes are sent.
void Exchange::KeepForReplay(const base::Chain& data) {
  if (!replayable_ || data.empty()) return;
  const bool wanted = route_ != nullptr && route_->retry.attempts > 0;
  if (!wanted || replay_.size() + data.size() > base::kReplayBufferBytesMax) {
    replayable_ = false;
    replay_.Clear();
    return;
  }
  data.ShareTo(replay_);
}

void Exchange::OnRequestBody(base::Chain& data, bool end, const http::HeaderMap* trailers) {
  bytes_in_ += data.size();
  if (state_ == State::kTunnel) {
    MoveIdleDeadline();
    request_ended_ = request_ended_ || end;
    upstream_->SendBody(data, end);
    if (end) request_end_sent_ = true;
    RelayTunnelEnd();
    return;
  }
  if (state_ == State::kReplying || (state_ == State::kResponding && upstream_ == nullptr)) {
    request_ended_ = end;  // answered already: nobody wants the rest, be it beyond a limit
    return data.Clear();
  }
  const uint64_t limit = route_ != nullptr ? route_->max_body_bytes : 0;
  if (limit > 0 && bytes_in_ > limit) {
    data.Clear();
    return Fail({ErrorCode::kBodyTooLarge, base::Side::kClient, base::Retry::kNever, "the body passed maxBodySize"});
  }
  request_ended_ = end;
  const bool trailers_wanted = h2_upstream_ || request_->te_trailers || request_->is_grpc;
  if (trailers != nullptr && trailers->size() > 0 && trailers_wanted) request_trailers_ = trailers;
  if (idle_deadline_ != base::Instant::max()) MoveIdleDeadline();
  waiting_body_.Append(data);
  if (upstream_ == nullptr) return UpdateRequestCredit();
  KeepForReplay(waiting_body_);
  const bool ends_here = request_ended_ && request_trailers_ == nullptr;
  upstream_->SendBody(waiting_body_, ends_here);
  if (request_ended_ && request_trailers_ != nullptr) upstream_->SendTrailers(*request_trailers_);
  request_end_sent_ = request_ended_;
  UpdateRequestCredit();
}

void Exchange::UpdateRequestCredit() {
  if (stream_ == nullptr) return;
  if (state_ == State::kTunnel) {
    const size_t queued = upstream_ != nullptr ? upstream_->queued() : buffer_bytes();
    return stream_->SetRequestCredit(queued < buffer_bytes() ? buffer_bytes() - queued : 0);
  }
  if (request_ended_ || awaiting_continue_ || state_ == State::kReplying) return stream_->SetRequestCredit(0);
  const size_t held = waiting_body_.size() + (upstream_ != nullptr ? upstream_->queued() : 0);
  stream_->SetRequestCredit(held < buffer_bytes() ? buffer_bytes() - held : 0);
}

void Exchange::OnRequestFlushed() {
  if (idle_deadline_ != base::Instant::max()) MoveIdleDeadline();
  if (state_ == State::kTunnel) return RelayTunnelEnd();
  UpdateRequestCredit();
}

void Exchange::OnInterimResponse(http::ResponseHead& head) {
  if (idle_deadline_ != base::Instant::max()) MoveIdleDeadline();
  const bool may_forward = request_->version != http::Version::kHttp10;
  if (head.status != 100) {
    if (may_forward) stream_->SendInterim(head);
    return;
  }
  continue_deadline_ = base::Instant::max();
  if (!awaiting_continue_) return;
  awaiting_continue_ = false;
  if (may_forward && !continue_sent_) stream_->SendInterim(head);
  continue_sent_ = true;
  UpdateRequestCredit();
}

void Exchange::OnAttemptFailed(const Error& error) {
  if (state_ == State::kTunnel && response_ended_) {
    // Its last words are on their way; what the client says still, nobody hears.
    request_ended_ = request_end_sent_ = true;
    stream_->SetRequestCredit(0);
    return RelayTunnelEnd();
  }
  if (response_committed_) {
    EndAttempt(ResultOf(error.code));
    return Fail(error);
  }
  AttemptFailed(error);
}

// Ends the attempt for good: its connection goes back or is closed, its result is counted.
void Exchange::EndAttempt(UpstreamResult result) {
  attempt_deadline_ = base::Instant::max();
  continue_deadline_ = base::Instant::max();
  if (!attempt_open_) return;
  attempt_open_ = false;
  // One that ended before it had its connection: who it was waiting for.
  if (endpoint_text_.empty() && attempt_->endpoint != nullptr) endpoint_text_ = arena_.Copy(attempt_->endpoint->text);
  if (attempt_->waiting_in != nullptr) attempt_->waiting_in->Abandon(*attempt_);
  if (upstream_ != nullptr) std::exchange(upstream_, nullptr)->Release();
  shard().Add(cluster_->series().requests[metrics::Index(result)]);
}

void Exchange::AttemptFailed(const Error& error) {
  if (TryAgain(error, 0, ResultOf(error.code))) return;
  EndAttempt(ResultOf(error.code));
  ReplyError(error);
}

// Ends the attempt and arranges the next one, when policy, budget and deadline allow that.
bool Exchange::TryAgain(const Error& error, uint16_t status, UpstreamResult result) {
  const RetryVerdict verdict = DecideRetry(route_->retry, {.error = error,
                                                           .status = status,
                                                           .method = request_->method,
                                                           .retries_done = retries_,
                                                           .stale_retry_done = stale_retry_done_,
                                                           .any_byte_sent = attempt_->any_byte_sent,
                                                           .body_replayable = replayable_});
  if (verdict == RetryVerdict::kNo || now() >= request_deadline_) return false;
  if (verdict == RetryVerdict::kYes && !TakeRetryBudget()) return false;
  const EndpointShared* failed = attempt_->endpoint;
  EndAttempt(result);
  idle_deadline_ = base::Instant::max();
  attempt_->avoid = failed;
  attempt_->fresh_connection = verdict == RetryVerdict::kStale;
  shard().Add(cluster_->series().retries);
  if (verdict == RetryVerdict::kStale) {
    stale_retry_done_ = true;
    BeginAttempt();
    return true;
  }
  state_ = State::kBackoff;
  backoff_deadline_ = now() + BackoffBefore(route_->retry, retries_, services_.worker.rng);
  ++retries_;
  UpdateRequestCredit();
  ArmTimer();
  return true;
}

// A place in the upstream's retry budget, which the whole process shares; kept until the exchange ends.
bool Exchange::TakeRetryBudget() {
  if (retry_budget_taken_) return true;
  if (route_->retry.budget_ppm == 0) return false;
  const uint64_t share = cluster_->shared().requests.taken() * route_->retry.budget_ppm / 1'000'000;
  retry_budget_taken_ = cluster_->shared().retries.TryTake(std::max(share, kRetriesAlwaysAllowed));
  return retry_budget_taken_;
}

}  // namespace headgate::proxy
