// The exchange's way back: an upstream's response under credit, a tunnel, or an answer of our own.
#include <algorithm>

#include "http/media_type.h"
#include "http/reason.h"
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/local_reply.h"
#include "proxy/exchange/outcome.h"
#include "routing/rewrite.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using http::BodyKind;
using http::HeaderId;
using metrics::UpstreamResult;

namespace {

// HTTP/1.0 without Host: a path alone would lead back to where the request came.
constexpr Error kNoHost{ErrorCode::kBadRequest, base::Side::kClient, base::Retry::kNever, "a redirect without a host"};
// In HTTP/2 a 2xx opens a WebSocket (RFC 8441 5): only an acceptance may be one.
constexpr Error kNotAccepted{ErrorCode::kUpstreamProtocol, base::Side::kUpstream, base::Retry::kNever,
                             "a 2xx or 3xx that does not accept the WebSocket"};
constexpr Error kNoTunnel{ErrorCode::kForbidden, base::Side::kProxy, base::Retry::kNever,
                          "a WebSocket on a route that answers by itself"};

bool AsksForH2Tunnel(const http::RequestHead& request) noexcept {
  return request.wants_websocket && request.version == http::Version::kHttp2;
}

bool IsEventStream(const http::ResponseHead& head) noexcept {
  return http::IsMediaType(head.headers.Get(HeaderId::kContentType), "text/event-stream");
}

}  // namespace

void Exchange::OnRequestBody(base::Chain& data, bool end, const http::HeaderMap* trailers) {
  bytes_in_ += data.size();
  idle_.Move(now());
  if (state_ == State::kTunnel) {
    request_ended_ = request_ended_ || end;
    forwarder_.SendBody(data, end, nullptr);
    return RelayTunnelEnd();
  }
  if (state_ == State::kReplying || (state_ == State::kResponding && forwarder_.over())) {
    request_ended_ = end;  // answered already: nobody wants the rest, be it beyond a limit
    return data.Clear();
  }
  const uint64_t limit = route_ != nullptr ? route_->max_body_bytes : 0;
  if (limit > 0 && bytes_in_ > limit) {
    data.Clear();
    return Fail({ErrorCode::kBodyTooLarge, base::Side::kClient, base::Retry::kNever, "the body passed maxBodySize"});
  }
  request_ended_ = end;
  forwarder_.SendBody(data, end, trailers);
  UpdateRequestCredit();
}

void Exchange::UpdateRequestCredit() {
  if (stream_ == nullptr) return;
  const bool wanted = state_ == State::kTunnel || (!request_ended_ && state_ != State::kReplying);
  stream_->SetRequestCredit(wanted ? forwarder_.room() : 0);
}

void Exchange::OnRequestRoom() {
  idle_.Move(now());
  if (state_ == State::kTunnel) return RelayTunnelEnd();
  UpdateRequestCredit();
}

void Exchange::OnForwardFailed(const Error& error) {
  if (state_ != State::kTunnel || !response_ended_) return Fail(error);
  // Its last words are on their way; what the client says still, nobody hears.
  request_ended_ = true;
  stream_->SetRequestCredit(0);
  RelayTunnelEnd();
}

void Exchange::OnInterimResponse(http::ResponseHead& head) {
  idle_.Move(now());
  if (request_->version != http::Version::kHttp10) stream_->SendInterim(head);
}

// The client waits for a 100 and may or may not send the body now (RFC 9110 10.1.1): nobody could tell it from the next
// request.
bool Exchange::BodyNotAskedFor() const noexcept {
  return !request_ended_ && request_->expect_continue && !forwarder_.continue_sent();
}

void Exchange::OnResponseHead(http::ResponseHead& head, bool end) {
  if (head.status == 101) return BecomeTunnel(head);
  if (head.status < 400 && AsksForH2Tunnel(*request_)) return Fail(kNotAccepted);
  if (BodyNotAskedFor()) {
    stream_->CloseAfterResponse();
    stream_->DiscardRequestBody();
  }
  routing::ApplyHeaderChanges(route_->response_headers, head.headers);
  if (!set_cookie_.empty()) head.headers.Add(HeaderId::kSetCookie, set_cookie_);
  state_ = State::kResponding;
  response_committed_ = true;
  status_ = head.status;
  idle_.Start(route_->timeouts.idle, now());
  if (request_->is_grpc || IsEventStream(head)) {  // only timeouts.idle applies after the head
    request_deadline_ = grpc_deadline_;
    forwarder_.StopAttemptClock();
  }
  if (grpc_) grpc_status_ = GrpcStatusLabelIn(head.headers).value_or(grpc_status_);
  stream_->StopBodyClock();
  if (head.body.kind == BodyKind::kUntilClose) head.body.kind = BodyKind::kChunked;
  upstream_ended_ = now();
  stream_->SendHead(head, end);
  if (!end) return ArmTimer();
  response_ended_ = true;
  if (!request_ended_) stream_->DiscardRequestBody();
  forwarder_.End(head.status >= 500 ? UpstreamResult::k5xx : UpstreamResult::kOk);
}

void Exchange::OnResponseBody(base::Chain& data, bool end, const http::HeaderMap* trailers) {
  bytes_out_ += data.size();
  idle_.Move(now());
  if (state_ == State::kTunnel) {
    response_ended_ = response_ended_ || end;
    stream_->SendBody(data, end);
    UpdateResponseCredit();
    return RelayTunnelEnd();
  }
  if (!end) {
    stream_->SendBody(data, false);
    return UpdateResponseCredit();
  }
  response_ended_ = true;
  upstream_ended_ = now();
  if (!request_ended_) stream_->DiscardRequestBody();
  const bool trailers_wanted = request_->version == http::Version::kHttp2 || request_->te_trailers || request_->is_grpc;
  if (trailers != nullptr && trailers->size() > 0 && trailers_wanted) {
    if (grpc_) grpc_status_ = GrpcStatusLabelIn(*trailers).value_or(grpc_status_);
    if (!data.empty()) stream_->SendBody(data, false);
    stream_->SendTrailers(*trailers);
  } else {
    stream_->SendBody(data, true);
  }
  forwarder_.End(status_ >= 500 ? UpstreamResult::k5xx : UpstreamResult::kOk);
}

void Exchange::BecomeTunnel(http::ResponseHead& head) {
  routing::ApplyHeaderChanges(route_->response_headers, head.headers);
  if (!set_cookie_.empty()) head.headers.Add(HeaderId::kSetCookie, set_cookie_);
  state_ = State::kTunnel;
  response_committed_ = true;
  status_ = request_->version == http::Version::kHttp2 ? 200 : 101;  // RFC 8441 5
  request_ended_ = false;
  request_deadline_ = base::Instant::max();
  idle_.Start(route_->timeouts.tunnel_idle, now());
  shard().CountRequest(series_->backends[backend_series_].requests,
                       metrics::MethodLabel(static_cast<unsigned>(request_->method)), status_);
  shard().AddGauge(series_->tunnels_active, 1);
  LetGoOfSnapshot();
  stream_->StopBodyClock();
  stream_->SendHead(head, false);
  UpdateRequestCredit();
  UpdateResponseCredit();
  ArmTimer();
}

// A side that has ended stays half-closed; the tunnel is over when both have.
void Exchange::RelayTunnelEnd() {
  if (request_ended_ || response_ended_) idle_.SetTimeout(route_->timeouts.idle);
  if (!request_ended_) UpdateRequestCredit();
  if (!request_ended_ || !response_ended_ || forwarder_.queued() > 0) return;
  forwarder_.End(UpstreamResult::kOk);
  if (response_flushed_) Finish();
}

void Exchange::UpdateResponseCredit() {
  const size_t queued = stream_->queued();
  forwarder_.SetResponseCredit(queued < buffer_bytes_ ? buffer_bytes_ - queued : 0);
}

void Exchange::OnResponseFlushed(bool all) {
  idle_.Move(now());
  if (!response_ended_) return UpdateResponseCredit();
  if (!all) return;
  response_flushed_ = true;
  if (state_ == State::kTunnel) return RelayTunnelEnd();
  Finish();
}

void Exchange::ReplyError(const Error& error) {
  error_ = error;
  const Outcome outcome = OutcomeOf(error.code);
  if (grpc_) return ReplyGrpc(GrpcStatusOf(error.code), PublicReason(error.code));
  if (outcome.close) stream_->CloseAfterResponse();
  http::ResponseHead head(arena_);
  const std::string_view body = ComposeErrorReply(error.code, request_id_, *request_, head);
  SendReply(head, body);
}

void Exchange::ReplyRedirect(const routing::RedirectAction& redirect) {
  const bool elsewhere = !redirect.scheme.empty() || redirect.port != 0;
  if (elsewhere && redirect.hostname.empty() && request_->host.empty()) return ReplyError(kNoHost);
  http::ResponseHead head(arena_);
  head.status = redirect.status;
  head.headers.Add(HeaderId::kLocation, routing::ComposeLocation(redirect, match_, listener_->public_port, *request_));
  routing::ApplyHeaderChanges(route_->response_headers, head.headers);
  SendReply(head, {});
}

void Exchange::ReplyHttpsRedirect() {
  if (request_->host.empty()) return ReplyError(kNoHost);
  http::ResponseHead head(arena_);
  head.status = 308;
  head.headers.Add(HeaderId::kLocation, routing::ComposeHttpsLocation(listener_->https_redirect, *request_));
  SendReply(head, {});
}

void Exchange::ReplyRespond(const routing::RespondAction& respond) {
  if (grpc_ && respond.status >= 400) {
    return ReplyGrpc(GrpcStatusOfHttp(respond.status), http::ReasonPhrase(respond.status));
  }
  if (respond.status < 300 && AsksForH2Tunnel(*request_)) return ReplyError(kNoTunnel);
  http::ResponseHead head(arena_);
  head.status = respond.status;
  routing::ApplyHeaderChanges(respond.headers, head.headers);
  routing::ApplyHeaderChanges(route_->response_headers, head.headers);
  SendReply(head, respond.body);
}

// `body` lives in the arena or in the pinned snapshot: both outlast the response.
void Exchange::SendReply(http::ResponseHead& head, std::string_view body) {
  state_ = State::kReplying;
  status_ = head.status;
  response_committed_ = true;
  response_ended_ = true;
  request_deadline_ = base::Instant::max();
  idle_.Stop();
  if (!request_ended_) stream_->DiscardRequestBody();
  if (BodyNotAskedFor()) stream_->CloseAfterResponse();
  const bool only_trailers = body.empty() && head.headers.Has(HeaderId::kGrpcStatus);
  const bool bodiless = head.status == 204 || head.status == 304 || only_trailers;
  const bool head_request = request_->method == http::Method::kHead;
  if (!bodiless) head.body = {.kind = BodyKind::kLength, .length = body.size()};
  const bool end = bodiless || head_request || body.empty();
  stream_->SendHead(head, end);
  if (end) return;
  bytes_out_ += body.size();
  outgoing_.Append(base::Slice::Unowned(body));
  stream_->SendBody(outgoing_, true);
}

// A long response or a tunnel must not hold a generation of the configuration: only its route's record stays.
void Exchange::LetGoOfSnapshot() {
  if (!pin_) return;
  if (route_ != nullptr) {
    kept_.route = pin_->compiled().routes[match_.route_index];
    kept_.series = pin_->snapshot().routes[match_.route_index];
    upstream_name_ = arena_.Copy(upstream_name_);
  } else {
    kept_.series = pin_->snapshot().no_route;
  }
  listener_ = nullptr;
  pin_.reset();
}

}  // namespace headgate::proxy
