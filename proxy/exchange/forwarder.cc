#include "proxy/exchange/forwarder.h"

#include <algorithm>

#include "base/check.h"
#include "base/end.h"
#include "base/limits.h"
#include "proxy/exchange/retry_decision.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using base::Instant;
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
  const bool late = code == ErrorCode::kUpstreamTimeout || code == ErrorCode::kIdleTimeout;
  return late ? UpstreamResult::kTimeout : UpstreamResult::kReset;
}

}  // namespace

Forwarder::Forwarder(WorkerContext& worker, base::Arena& arena, ForwarderEvents& events)
    : worker_(worker),
      arena_(arena),
      events_(events),
      timer_([](void* self) { static_cast<Forwarder*>(self)->OnTimer(); }, this) {}

// The header draws the legal ones.
void Forwarder::SetState(State state) noexcept {
  static constexpr auto Bit = [](State of) { return 1U << static_cast<unsigned>(of); };
  static constexpr unsigned kNext[] = {
      /*kIdle*/ Bit(State::kConnecting),
      /*kConnecting*/ Bit(State::kAwaitingHead) | Bit(State::kBackoff) | Bit(State::kOver),
      /*kBackoff*/ Bit(State::kConnecting) | Bit(State::kOver),
      /*kAwaitingHead*/ Bit(State::kAnswering) | Bit(State::kBackoff) | Bit(State::kOver),
      /*kAnswering*/ Bit(State::kOver),
      /*kOver*/ 0,
  };
  HG_CHECK((kNext[static_cast<size_t>(state_)] & Bit(state)) != 0);
  state_ = state;
}

void Forwarder::Begin(const ForwardRequest& request) {
  request_ = request;
  awaiting_continue_ = request_.head->expect_continue && !request_.ended;
  request_.cluster->shared().requests.Take();
  BeginAttempt();
}

void Forwarder::BeginAttempt() {
  const bool fresh = attempt_ && attempt_->fresh_connection;
  const EndpointShared* avoid = attempt_ ? attempt_->avoid : nullptr;
  attempt_.emplace(static_cast<AttemptEvents&>(*this), arena_);
  attempt_->method = request_.head->method;
  attempt_->upstream_head_bytes = request_.head_bytes_max;
  attempt_->avoid = avoid;
  attempt_->hash = request_.hash;
  attempt_->fresh_connection = fresh;
  SetState(State::kConnecting);
  attempt_deadline_ = request_.attempt_timeout.count() > 0 ? now() + request_.attempt_timeout : Instant::max();
  base::Result<UpstreamStream*> begun = request_.cluster->Begin(*attempt_);
  if (!begun.ok()) {
    SetState(State::kBackoff);  // nobody was asked: it counts as no attempt
    return AttemptFailed(begun.error());
  }
  ++attempts_;
  endpoint_text_ = {};
  head_time_ = base::Duration{-1};
  ArmTimer();
  if (begun.value() != nullptr) SendRequest(*begun.value());
}

void Forwarder::SendRequest(UpstreamStream& stream) {
  upstream_ = &stream;
  SetState(State::kAwaitingHead);
  endpoint_text_ = arena_.Copy(attempt_->endpoint->text);
  request_.head->expect_continue = awaiting_continue_ && !continue_sent_;
  const bool nothing_follows = request_.ended && waiting_body_.empty() && replay_.empty() && trailers_ == nullptr;
  upstream_->SetResponseCredit(request_.buffer_bytes);
  upstream_->SendHead(*request_.head, base::EndIf(nothing_follows), request_.head->wants_websocket);
  if (awaiting_continue_ && !continue_sent_) {
    continue_deadline_ = now() + kContinueAfter;
    ArmTimer();
  }
  if (!nothing_follows) SendWaitingBody();
  if (attempts_ == 1) overhead_ = worker_.clock.Now() - now();
  request_sent_ = now();
  // By default nothing else bounds the wait for the response's head.
  idle_.Start(request_.idle_timeout, now());
  ArmTimer();
  if (!nothing_follows) events_.OnRequestRoom();
}

// It is the client's turn, which has limits.bodyIdle; that clock stops for gRPC.
bool Forwarder::AwaitsBody() const noexcept {
  if (request_.ended || request_.head->wants_websocket || request_.head->is_grpc) return false;
  return waiting_body_.size() + queued() < request_.buffer_bytes;
}

// What a former attempt had sent comes first, then what arrived meanwhile.
void Forwarder::SendWaitingBody() {
  if (attempts_ > 1 && replayable_) replay_.ShareTo(outgoing_);
  if (attempts_ == 1 || replayable_) KeepForReplay(waiting_body_);
  outgoing_.Append(waiting_body_);
  Send(outgoing_);
}

// With the body's end where it is known.
void Forwarder::Send(base::Chain& data) {
  const bool ends = request_.ended && trailers_ == nullptr;
  if (!data.empty() || ends) upstream_->SendBody(data, base::EndIf(ends));
  if (request_.ended && trailers_ != nullptr) upstream_->SendTrailers(*trailers_);
}

// While a retry is possible its body is shared, not copied; above the bound there is no retry once bytes are sent.
void Forwarder::KeepForReplay(const base::Chain& data) {
  if (!replayable_ || data.empty()) return;
  if (request_.retry->attempts == 0 || replay_.size() + data.size() > base::kReplayBufferBytesMax) {
    replayable_ = false;
    replay_.Clear();
    return;
  }
  data.ShareTo(replay_);
}

void Forwarder::SendBody(base::Chain& data, base::End end, const http::HeaderMap* trailers) {
  if (state_ == State::kOver) return data.Clear();
  request_.ended = end == base::End::kYes;
  const bool trailers_wanted = request_.h2 || request_.head->te_trailers || request_.head->is_grpc;
  if (trailers != nullptr && trailers->size() > 0 && trailers_wanted) trailers_ = trailers;
  idle_.Move(now());
  waiting_body_.Append(data);
  if (upstream_ == nullptr) return;
  KeepForReplay(waiting_body_);
  Send(waiting_body_);
}

size_t Forwarder::room() const noexcept {
  if (awaiting_continue_ || state_ == State::kOver) return 0;
  const size_t held = waiting_body_.size() + queued();
  return held < request_.buffer_bytes ? request_.buffer_bytes - held : 0;
}

void Forwarder::OnRequestFlushed() {
  idle_.Move(now());
  events_.OnRequestRoom();
}

void Forwarder::OnInterimResponse(http::ResponseHead& head) {
  idle_.Move(now());
  if (head.status == 100) return OnContinue(head);
  events_.OnInterimResponse(head);
}

void Forwarder::OnContinue(http::ResponseHead& head) {
  continue_deadline_ = Instant::max();
  if (!std::exchange(awaiting_continue_, false)) return;
  if (!std::exchange(continue_sent_, true)) events_.OnInterimResponse(head);
  events_.OnRequestRoom();
}

void Forwarder::OnResponseHead(http::ResponseHead& head, base::End end) {
  head_time_ = now() - request_sent_;
  worker_.shard.Observe(request_.cluster->series().response, head_time_);
  attempt_->endpoint->Succeeded();
  continue_deadline_ = Instant::max();
  const bool tunnel = head.status == 101;
  const bool named = !tunnel && request_.retry->on_status.test(head.status);
  if (named && TryAgain({}, head.status, UpstreamResult::k5xx)) return;
  SetState(State::kAnswering);
  replay_.Clear();
  replayable_ = false;
  awaiting_continue_ = false;
  idle_.Stop();
  if (tunnel) {
    attempt_deadline_ = Instant::max();
    request_.ended = false;
  }
  events_.OnResponseHead(head, end);
}

void Forwarder::OnResponseBody(base::Chain& data, base::End end, const http::HeaderMap* trailers) {
  answer_ended_ = answer_ended_ || end == base::End::kYes;
  events_.OnResponseBody(data, end, trailers);
}

void Forwarder::OnAttemptFailed(const Error& error) {
  if (state_ == State::kAnswering) return Fail(error);
  AttemptFailed(error);
}

void Forwarder::AttemptFailed(const Error& error) {
  if (!TryAgain(error, 0, ResultOf(error.code))) Fail(error);
}

void Forwarder::Fail(const Error& error) {
  End(answer_ended_ ? UpstreamResult::kOk : ResultOf(error.code));
  events_.OnForwardFailed(error);
}

void Forwarder::End(UpstreamResult result) {
  if (state_ == State::kIdle || state_ == State::kOver) return;
  EndAttempt(result);
  SetState(State::kOver);
  backoff_deadline_ = Instant::max();
  waiting_body_.Clear();
  replay_.Clear();
}

// Its connection goes back or is closed, its result is counted.
void Forwarder::EndAttempt(UpstreamResult result) {
  attempt_deadline_ = continue_deadline_ = Instant::max();
  idle_.Stop();
  if (state_ == State::kBackoff) return;
  // One that ended before it had its connection: who it was waiting for.
  if (endpoint_text_.empty() && attempt_->endpoint != nullptr) endpoint_text_ = arena_.Copy(attempt_->endpoint->text);
  if (attempt_->waiting_in != nullptr) attempt_->waiting_in->Abandon(*attempt_);
  if (upstream_ != nullptr) std::exchange(upstream_, nullptr)->Release();
  worker_.shard.Add(request_.cluster->series().requests[metrics::Index(result)]);
}

// Ends the attempt and arranges the next one, when policy, budget and deadline allow that.
bool Forwarder::TryAgain(const Error& error, uint16_t status, UpstreamResult result) {
  const routing::RetryPolicy& policy = *request_.retry;
  const RetryVerdict verdict = DecideRetry(policy, {.error = error,
                                                    .status = status,
                                                    .method = request_.head->method,
                                                    .retries_done = retries_,
                                                    .stale_retry_done = stale_retry_done_,
                                                    .any_byte_sent = attempt_->any_byte_sent,
                                                    .any_byte_received = attempt_->any_byte_received,
                                                    .body_replayable = replayable_});
  if (verdict == RetryVerdict::kNo || now() >= request_.deadline) return false;
  if (verdict == RetryVerdict::kYes && !TakeRetryBudget()) {
    worker_.shard.Add(request_.cluster->series().retries_over_budget);
    return false;
  }
  const EndpointShared* failed = attempt_->endpoint;
  EndAttempt(result);
  if (state_ != State::kBackoff) SetState(State::kBackoff);
  attempt_->avoid = failed;
  attempt_->fresh_connection = verdict == RetryVerdict::kStale;
  worker_.shard.Add(request_.cluster->series().retries);
  if (verdict == RetryVerdict::kStale) {
    stale_retry_done_ = true;
    BeginAttempt();
    return true;
  }
  backoff_deadline_ = now() + BackoffBefore(policy, retries_, worker_.rng);
  ++retries_;
  ArmTimer();
  events_.OnRequestRoom();
  return true;
}

// A place in the upstream's retry budget, which the whole process shares; kept until the request is reset.
bool Forwarder::TakeRetryBudget() {
  if (retry_budget_taken_) return true;
  if (request_.retry->budget_ppm == 0) return false;
  UpstreamShared& shared = request_.cluster->shared();
  const uint64_t share = shared.requests.taken() * request_.retry->budget_ppm / 1'000'000;
  retry_budget_taken_ = shared.retries.TryTake(std::max(share, kRetriesAlwaysAllowed));
  return retry_budget_taken_;
}

void Forwarder::ArmTimer() {
  const Instant next = std::min({attempt_deadline_, continue_deadline_, backoff_deadline_, idle_.deadline()});
  if (next != Instant::max()) worker_.timers.Arm(timer_, next);
}

void Forwarder::OnTimer() {
  const Instant at = now();
  if (at >= request_.deadline) return ArmTimer();  // its owner is about to say so
  if (at >= continue_deadline_) {
    http::ResponseHead head(arena_);
    head.status = 100;
    continue_deadline_ = Instant::max();
    ArmTimer();
    return OnContinue(head);
  }
  if (at >= attempt_deadline_) {
    const Error late{
        ErrorCode::kUpstreamTimeout, base::Side::kUpstream, base::Retry::kNever,
        connecting() ? "timeouts.backendRequest passed while connecting" : "timeouts.backendRequest passed"};
    return OnAttemptFailed(late);
  }
  if (at >= idle_.deadline() && AwaitsBody()) idle_.Move(at);
  if (at >= idle_.deadline()) {
    return Fail({ErrorCode::kIdleTimeout, base::Side::kProxy, base::Retry::kNever, "nothing moved for timeouts.idle"});
  }
  if (at >= backoff_deadline_) {
    backoff_deadline_ = Instant::max();
    return BeginAttempt();
  }
  ArmTimer();
}

void Forwarder::Reset() noexcept {
  if (state_ == State::kIdle) return;
  if (retry_budget_taken_) request_.cluster->shared().retries.Give();
  request_.cluster->shared().requests.Give();
  timer_.Disarm();
  request_ = {};
  attempt_.reset();
  attempts_ = retries_ = 0;
  stale_retry_done_ = retry_budget_taken_ = false;
  awaiting_continue_ = continue_sent_ = answer_ended_ = false;
  replayable_ = true;
  trailers_ = nullptr;
  endpoint_text_ = {};
  head_time_ = base::Duration{-1};
  overhead_ = {};
  state_ = State::kIdle;
}

}  // namespace headgate::proxy
