#include "proxy/exchange/call.h"

#include <utility>

#include "base/check.h"
#include "base/end.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;
using metrics::UpstreamResult;

namespace {

constexpr size_t kAnswerBufferBytes = size_t{16} * 1024;

// A call is not repeated, but for a connection that had gone stale: its owner knows better when to ask again.
const routing::RetryPolicy& NoRetry() noexcept {
  static const routing::RetryPolicy kNone = [] {
    routing::RetryPolicy none;
    none.attempts = 0;
    return none;
  }();
  return kNone;
}

UpstreamResult AnswerResult(uint16_t status) noexcept {
  return status >= 500 ? UpstreamResult::k5xx : UpstreamResult::kOk;
}

}  // namespace

Call::Call(WorkerContext& worker, CallEvents& events)
    : worker_(worker),
      events_(events),
      arena_(worker.slabs),
      forwarder_(worker, arena_, *this),
      timer_([](void* self) { static_cast<Call*>(self)->OnTimer(); }, this) {
  arena_.Reset();
}

http::RequestHead& Call::NewHead() {
  HG_CHECK(!running_);
  endpoint_ = tls_version_ = {};
  arena_.Reset();
  return head_.emplace(arena_);
}

void Call::Begin(Cluster& cluster, const CallLimits& limits, base::Chain& body) {
  HG_CHECK(!running_ && head_);
  running_ = true;
  refused_ = {};
  status_ = 0;
  answer_bytes_left_ = limits.answer_bytes_max;
  const base::Instant deadline = worker_.now + limits.deadline;
  const bool has_body = !body.empty();
  if (has_body) head_->body = {.kind = http::BodyKind::kLength, .length = body.size()};
  worker_.timers.Arm(timer_, deadline);
  forwarder_.Begin({.cluster = &cluster,
                    .head = &*head_,
                    .retry = &NoRetry(),
                    .deadline = deadline,
                    .buffer_bytes = kAnswerBufferBytes,
                    .ended = !has_body});
  if (has_body) forwarder_.SendBody(body, base::End::kYes, nullptr);
}

void Call::Cancel() noexcept {
  if (running_) Stop(UpstreamResult::kCanceled);
}

void Call::OnResponseHead(http::ResponseHead& head, base::End end) {
  status_ = head.status;
  events_.OnAnswerHead(head);
  if (end == base::End::kYes && running_) Done(AnswerResult(status_), {});
}

void Call::OnResponseBody(base::Chain& data, base::End end, const http::HeaderMap*) {
  if (data.size() > answer_bytes_left_) {
    data.Clear();
    return Done(UpstreamResult::kReset,
                {ErrorCode::kBodyTooLarge, Side::kUpstream, Retry::kNever, "the answer passed its limit"});
  }
  answer_bytes_left_ -= data.size();
  if (!data.empty()) events_.OnAnswerBody(data);
  data.Clear();
  if (!running_) return;
  end == base::End::kYes ? Done(AnswerResult(status_), {}) : forwarder_.SetResponseCredit(kAnswerBufferBytes);
}

// Begin's caller is told later: by the timer, which is due at once.
void Call::OnForwardFailed(const Error& error) {
  if (forwarder_.attempts() > 0) return Done(UpstreamResult::kReset, error);
  refused_ = error;
  worker_.timers.Arm(timer_, worker_.now);
}

void Call::OnTimer() {
  if (refused_.code != ErrorCode::kNone) return Done(UpstreamResult::kReset, refused_);
  Done(UpstreamResult::kTimeout,
       {ErrorCode::kRequestTimeout, Side::kProxy, Retry::kNever,
        forwarder_.connecting() ? "the call's deadline passed while connecting" : "the call's deadline passed"});
}

void Call::Stop(UpstreamResult result) noexcept {
  running_ = false;
  timer_.Disarm();
  forwarder_.End(result);
  endpoint_ = forwarder_.endpoint();
  tls_version_ = forwarder_.tls_version();
  forwarder_.Reset();
}

void Call::Done(UpstreamResult result, const Error& error) {
  Stop(result);
  events_.OnCallDone(error);
}

}  // namespace headgate::proxy
