// The exchange's deadlines, failures and outcome.
#include <algorithm>

#include "http/method.h"
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/outcome.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;
using metrics::UpstreamResult;

namespace {

// After this a response that still runs gives the snapshot back.
constexpr base::Duration kPinnedMax = std::chrono::seconds(2);

std::string_view ProtocolName(http::Version version) noexcept {
  switch (version) {
    case http::Version::kHttp10:
      return "HTTP/1.0";
    case http::Version::kHttp11:
      return "HTTP/1.1";
    case http::Version::kHttp2:
      return "HTTP/2";
  }
  return "";
}

}  // namespace

Exchange::Exchange(ExchangeServices& services)
    : services_(services),
      arena_(services.worker.slabs),
      forwarder_(services.worker, arena_, *this),
      timer_([](void* self) { static_cast<Exchange*>(self)->OnTimer(); }, this) {
  arena_.Reset();
  request_.emplace(arena_);
}

Exchange::~Exchange() = default;

void Exchange::ArmTimer() {
  base::Instant next = std::min(request_deadline_, idle_.deadline());
  if (state_ == State::kResponding && pin_) next = std::min(next, now() + kPinnedMax);
  if (next != base::Instant::max()) services_.worker.timers.Arm(timer_, next);
}

void Exchange::OnTimer() {
  const base::Instant at = now();
  if (at >= request_deadline_) {
    const bool connecting = forwarder_.connecting();
    const char* which = connecting ? "timeouts.request passed while connecting" : "timeouts.request passed";
    if (at >= grpc_deadline_) which = connecting ? "grpc-timeout passed while connecting" : "grpc-timeout passed";
    return Fail({ErrorCode::kRequestTimeout, Side::kProxy, Retry::kNever, which});
  }
  if (at >= idle_.deadline()) {
    return Fail({ErrorCode::kIdleTimeout, Side::kProxy, Retry::kNever, "nothing moved for timeouts.idle"});
  }
  if (state_ == State::kResponding) LetGoOfSnapshot();
  ArmTimer();
}

void Exchange::OnClientError(const Error& error) {
  const bool gone = error.code == ErrorCode::kClientClosed || error.code == ErrorCode::kSlowReader ||
                    error.code == ErrorCode::kDraining;
  client_gone_ = client_gone_ || gone;
  if (state_ == State::kReplying && !gone && !IsNeverAnswered(error)) return;  // an answer is on its way already
  if (response_ended_ && error_.code != ErrorCode::kNone) {
    // The answer says why, whether the client waits for its last byte or not.
    stream_->Abort();
    return Finish();
  }
  Fail(error);
}

bool Exchange::IsNeverAnswered(const Error& error) const noexcept {
  return request_->version == http::Version::kHttp2 &&
         (error.code == ErrorCode::kBadRequest || error.code == ErrorCode::kSmuggling);
}

// Before a head was sent the client gets an answer, afterwards a response that is visibly cut off.
void Exchange::Fail(const Error& error) {
  if (state_ == State::kFinished) return;
  error_ = error;
  const bool ours = error.side == Side::kClient || error.code == ErrorCode::kDraining;
  const bool idle = error.code == ErrorCode::kIdleTimeout;
  const bool late = idle || error.code == ErrorCode::kUpstreamTimeout || error.code == ErrorCode::kRequestTimeout;
  UpstreamResult result = ours ? UpstreamResult::kCanceled : UpstreamResult::kReset;
  // In a tunnel nobody owed anything.
  if (late) result = idle && state_ == State::kTunnel ? UpstreamResult::kOk : UpstreamResult::kTimeout;
  forwarder_.End(result);
  if (!response_committed_ && !client_gone_ && !IsNeverAnswered(error)) return ReplyError(error);
  if (EndGrpcResponse(error)) return;
  if (!response_committed_) status_ = OutcomeOf(error.code).status;
  stream_->Abort();
  Finish();
}

void Exchange::Finish() {
  if (state_ == State::kFinished) return;
  const bool tunnel = state_ == State::kTunnel;
  forwarder_.End(UpstreamResult::kOk);
  const base::Instant ended = services_.worker.clock.Now();  // many a request begins and ends in one turn
  CountOutcome(ended);
  if (tunnel) shard().AddGauge(series_->tunnels_active, -1);
  if (route_counted_) shard().AddGauge(series_->requests_active, -1);
  WriteAccessLog(ended);
  state_ = State::kFinished;
  DownstreamStream* stream = std::exchange(stream_, nullptr);
  services_.pool.Return(this);
  stream->OnExchangeDone();
}

void Exchange::CountOutcome(base::Instant ended) {
  metrics::Shard& cells = shard();
  const metrics::BackendSeries& backend = series_->backends[backend_series_];
  if (state_ != State::kTunnel) {
    cells.CountRequest(backend.requests, metrics::MethodLabel(static_cast<unsigned>(request_->method)), status_);
    if (grpc_) cells.CountGrpc(backend.requests, grpc_status_);
    cells.Observe(backend.duration, ended - started_);
    if (backend_series_ != 0 && upstream_ended_ != base::Instant{}) {
      cells.Observe(services_.worker.series.proxy_overhead, forwarder_.overhead() + (ended - upstream_ended_));
    }
  }
  if (bytes_in_ > 0) cells.Add(series_->request_bytes, bytes_in_);
  if (bytes_out_ > 0) cells.Add(series_->response_bytes, bytes_out_);
  if (error_.code == ErrorCode::kNone) return;
  const Outcome outcome = OutcomeOf(error_.code);
  if (outcome.reject_reason && route_ == nullptr) {
    cells.Add(services_.worker.series.requests_rejected[metrics::Index(*outcome.reject_reason)]);
  } else {
    cells.CountError(series_->errors, outcome.proxy_reason);
  }
}

void Exchange::WriteAccessLog(base::Instant ended) {
  metrics::AccessLogRing* log = services_.access_log;
  if (log == nullptr || !log->Wanted()) return;
  std::array<char, base::IpAddress::kTextMax> text;
  const ClientInfo& connection = stream_->client();
  const std::string_view client_text =
      client_ == connection.peer ? connection.peer_text : std::string_view(text.data(), client_.Format(text));
  log->Write({.time = wall_started_,
              .request_id = request_id_,
              .client = client_text,
              .method = http::MethodName(request_->method),
              .host = log_host_,
              .path = log_path_,
              .query = log_query_,
              .protocol = ProtocolName(request_->version),
              .route = route_ != nullptr ? std::string_view(route_->name) : std::string_view(),
              .upstream = upstream_name_,
              .endpoint = forwarder_.endpoint(),
              .reason = base::ErrorCodeName(error_.code),
              .detail = error_.detail,
              .tls = connection.tls_version,
              .user_agent = log_user_agent_,
              .referer = log_referer_,
              .trace_id = trace_id_,
              .bytes_in = bytes_in_,
              .bytes_out = bytes_out_,
              .duration = ended - started_,
              .upstream_duration = forwarder_.head_time(),
              .attempts = forwarder_.attempts(),
              .code = status_});
}

void Exchange::Reset() noexcept {
  timer_.Disarm();
  pin_.reset();
  kept_ = {};
  match_ = {};
  route_ = nullptr;
  series_ = nullptr;
  listener_ = nullptr;
  forwarder_.Reset();
  backend_series_ = 0;
  upstream_name_ = set_cookie_ = {};
  route_counted_ = request_ended_ = client_gone_ = grpc_ = false;
  response_ended_ = response_flushed_ = response_committed_ = false;
  request_deadline_ = grpc_deadline_ = base::Instant::max();
  idle_.Stop();
  upstream_ended_ = {};
  bytes_in_ = bytes_out_ = 0;
  status_ = 0;
  grpc_status_ = metrics::kGrpcStatusOther;
  error_ = {};
  request_id_ = trace_id_ = {};
  head_slab_.reset();
  arena_.Reset();
  request_.emplace(arena_);
  state_ = State::kFree;
}

Exchange* ExchangePool::Take(ExchangeServices& services) {
  ++lent_;
  if (spare_.empty()) return new Exchange(services);
  Exchange* exchange = spare_.back().release();
  spare_.pop_back();
  return exchange;
}

void ExchangePool::Return(Exchange* exchange) noexcept {
  --lent_;
  exchange->Reset();  // also of one that never began: its head may be half filled
  std::unique_ptr<Exchange> owned(exchange);
  if (spare_.size() < spare_max_) spare_.push_back(std::move(owned));
}

}  // namespace headgate::proxy
