// The exchange's two messages on their way: the request's body up, the response or an answer of our own down.
#include <algorithm>

#include "base/end.h"
#include "http/media_type.h"
#include "proxy/exchange/exchange.h"
#include "proxy/reply/outcome.h"
#include "routing/policy/judgement.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using http::BodyKind;
using http::HeaderId;
using metrics::UpstreamResult;

namespace {

// In HTTP/2 a 2xx opens a WebSocket (RFC 8441 5): only an acceptance may be one.
constexpr Error kNotAccepted{ErrorCode::kUpstreamProtocol, base::Side::kUpstream, base::Retry::kNever,
                             "a 2xx or 3xx that does not accept the WebSocket"};

bool IsEventStream(const http::ResponseHead& head) noexcept {
  return http::IsMediaType(head.headers.Get(HeaderId::kContentType), "text/event-stream");
}

// What the upstream's attempt counts as.
UpstreamResult ResultOf(uint16_t status) noexcept { return status >= 500 ? UpstreamResult::k5xx : UpstreamResult::kOk; }

}  // namespace

void Exchange::OnRequestBody(base::Chain& data, base::End end, const http::HeaderMap* trailers) {
  record_.bytes_in += data.size();
  deadlines_.idle.Move(now());
  if (state_ == State::kTunnel) {
    request_ended_ = request_ended_ || end == base::End::kYes;
    forwarder_.SendBody(data, end, nullptr);
    return RelayTunnelEnd();
  }
  if (state_ == State::kReplying || (state_ == State::kResponding && forwarder_.over())) {
    request_ended_ = end == base::End::kYes;  // answered already: nobody wants the rest, be it beyond a limit
    return data.Clear();
  }
  const uint64_t limit = route_.policy()->max_body_bytes;
  if (limit > 0 && record_.bytes_in > limit) {
    data.Clear();
    return Fail({ErrorCode::kBodyTooLarge, base::Side::kClient, base::Retry::kNever, "the body passed maxBodySize"});
  }
  request_ended_ = end == base::End::kYes;
  state_ == State::kWaiting ? filters_.HoldBody(data, trailers) : forwarder_.SendBody(data, end, trailers);
  UpdateRequestCredit();
}

void Exchange::UpdateRequestCredit() {
  if (stream_ == nullptr) return;
  const bool wanted = state_ == State::kTunnel || (!request_ended_ && state_ != State::kReplying);
  size_t room = forwarder_.room();
  if (state_ == State::kWaiting) {  // a client that waits for a 100 waits for the filters first
    const size_t held = filters_.body().size();
    room = request_->expect_continue || held >= buffer_bytes_ ? 0 : buffer_bytes_ - held;
  }
  stream_->SetRequestCredit(wanted ? room : 0);
}

void Exchange::OnRequestRoom() {
  deadlines_.idle.Move(now());
  if (state_ == State::kTunnel) return RelayTunnelEnd();
  UpdateRequestCredit();
}

void Exchange::OnForwardFailed(const Error& error) {
  if (state_ != State::kTunnel || progress_ < Progress::kGiven) return Fail(error);
  // Its last words are on their way; what the client says still, nobody hears.
  request_ended_ = true;
  stream_->SetRequestCredit(0);
  RelayTunnelEnd();
}

void Exchange::OnInterimResponse(http::ResponseHead& head) {
  deadlines_.idle.Move(now());
  if (request_->version != http::Version::kHttp10) stream_->SendInterim(head);
}

// The client waits for a 100 and may or may not send the body now (RFC 9110 10.1.1): nobody could tell it from the next
// request.
bool Exchange::BodyNotAskedFor() const noexcept {
  return !request_ended_ && request_->expect_continue && !forwarder_.continue_sent();
}

void Exchange::OnResponseHead(http::ResponseHead& head, base::End end) {
  if (head.status == 101) return BecomeTunnel(head);
  if (head.status < 400 && routing::A2xxOpensTunnel(*request_)) return Fail(kNotAccepted);
  if (BodyNotAskedFor()) {
    stream_->CloseAfterResponse();
    stream_->DiscardRequestBody();
  }
  SetState(State::kResponding);
  deadlines_.idle.Start(route_.policy()->timeouts.idle, now());
  if (request_->is_grpc || IsEventStream(head)) {  // only timeouts.idle applies after the head
    deadlines_.KeepOnlyCall();
    forwarder_.StopAttemptClock();
  }
  if (record_.grpc) record_.grpc_status = GrpcStatusLabelIn(head.headers).value_or(record_.grpc_status);
  stream_->StopBodyClock();
  record_.upstream_ended = now();
  SendHead(head, end);
  if (end == base::End::kNo) return ArmTimer();
  GiveRest();
  forwarder_.End(ResultOf(record_.status));
}

// The response is complete as far as we have it.
void Exchange::GiveRest() {
  progress_ = std::max(progress_, Progress::kGiven);
  if (!request_ended_) stream_->DiscardRequestBody();
}

void Exchange::OnResponseBody(base::Chain& data, base::End end, const http::HeaderMap* trailers) {
  record_.bytes_out += data.size();
  deadlines_.idle.Move(now());
  if (state_ == State::kTunnel) {
    if (end == base::End::kYes) progress_ = std::max(progress_, Progress::kGiven);
    stream_->SendBody(data, end);
    UpdateResponseCredit();
    return RelayTunnelEnd();
  }
  if (end == base::End::kNo) {
    stream_->SendBody(data, base::End::kNo);
    return UpdateResponseCredit();
  }
  GiveRest();
  record_.upstream_ended = now();
  const bool trailers_wanted = request_->version == http::Version::kHttp2 || request_->te_trailers || request_->is_grpc;
  if (trailers != nullptr && trailers->size() > 0 && trailers_wanted) {
    if (record_.grpc) record_.grpc_status = GrpcStatusLabelIn(*trailers).value_or(record_.grpc_status);
    if (!data.empty()) stream_->SendBody(data, base::End::kNo);
    stream_->SendTrailers(*trailers);
  } else {
    stream_->SendBody(data, base::End::kYes);
  }
  forwarder_.End(ResultOf(record_.status));
}

void Exchange::BecomeTunnel(http::ResponseHead& head) {
  SetState(State::kTunnel);
  request_ended_ = false;
  deadlines_.Lift();
  deadlines_.idle.Start(route_.policy()->timeouts.tunnel_idle, now());
  stream_->StopBodyClock();
  SendHead(head, base::End::kNo);
  record_.tunnel = true;
  if (record_.version == http::Version::kHttp2) record_.status = 200;  // RFC 8441 5
  metrics::Shard& cells = services_.worker.shard;
  cells.CountRequest(route_.backend_series().requests, metrics::MethodLabel(static_cast<unsigned>(record_.method)),
                     record_.status);
  cells.AddGauge(route_.series().tunnels_active, 1);
  route_.LetGo();
  UpdateRequestCredit();
  UpdateResponseCredit();
  ArmTimer();
}

// A side that has ended stays half-closed; the tunnel is over when both have.
void Exchange::RelayTunnelEnd() {
  if (request_ended_ || progress_ >= Progress::kGiven) deadlines_.idle.SetTimeout(route_.policy()->timeouts.idle);
  if (!request_ended_) UpdateRequestCredit();
  if (!request_ended_ || progress_ < Progress::kGiven || forwarder_.queued() > 0) return;
  forwarder_.End(UpstreamResult::kOk);
  if (progress_ == Progress::kFlushed) Finish();
}

void Exchange::UpdateResponseCredit() {
  const size_t queued = stream_->queued();
  forwarder_.SetResponseCredit(queued < buffer_bytes_ ? buffer_bytes_ - queued : 0);
}

void Exchange::OnResponseFlushed(bool all) {
  deadlines_.idle.Move(now());
  if (progress_ < Progress::kGiven) return UpdateResponseCredit();
  if (!all) return;
  progress_ = Progress::kFlushed;
  if (state_ == State::kTunnel) return RelayTunnelEnd();
  Finish();
}

void Exchange::ReplyError(const Error& error) {
  record_.error = error;
  Reply reply(arena_);
  ComposeErrorReply(error.code, record_.request_id, *request_, reply);
  SendReply(reply);
}

// The reply's text lives in the arena or in the pinned snapshot: both outlast the response.
void Exchange::SendReply(Reply& reply) {
  SetState(State::kReplying);
  deadlines_.Lift();
  deadlines_.idle.Stop();
  if (record_.grpc && reply.grpc) {
    TurnIntoGrpc(record_.request_id, reply);
    record_.grpc_status = static_cast<uint8_t>(*reply.grpc);
  }
  if (reply.close || BodyNotAskedFor()) stream_->CloseAfterResponse();
  if (!request_ended_) stream_->DiscardRequestBody();
  const uint16_t status = reply.head.status;
  const bool only_trailers = reply.body.empty() && reply.head.headers.Has(HeaderId::kGrpcStatus);
  const bool bodiless = status == 204 || status == 304 || only_trailers;
  if (!bodiless) reply.head.body = {.kind = BodyKind::kLength, .length = reply.body.size()};
  const base::End end = base::EndIf(bodiless || request_->method == http::Method::kHead || reply.body.empty());
  SendHead(reply.head, end);
  progress_ = Progress::kGiven;
  if (end == base::End::kYes) return;
  record_.bytes_out += reply.body.size();
  outgoing_.Append(base::Slice::Unowned(reply.body));
  stream_->SendBody(outgoing_, base::End::kYes);
}

void Exchange::SendHead(http::ResponseHead& head, base::End end) {
  if (route_.policy() != nullptr) routing::ApplyHeaderChanges(route_.policy()->response_headers, head.headers);
  const bool relayed = state_ != State::kReplying;
  if (relayed && !set_cookie_.empty()) head.headers.Add(HeaderId::kSetCookie, set_cookie_);
  if (relayed && !hash_cookie_.empty()) head.headers.Add(HeaderId::kSetCookie, hash_cookie_);
  if (head.body.kind == BodyKind::kUntilClose) head.body.kind = BodyKind::kChunked;
  progress_ = Progress::kCommitted;
  record_.status = head.status;
  stream_->SendHead(head, end);
}

// After the head a gRPC client is told by trailers, which end the response well-formed. False: the client has the end
// already, or cannot be told.
bool Exchange::EndGrpcResponse(const Error& error) {
  if (!record_.grpc || progress_ >= Progress::kGiven || client_gone_ || IsNeverAnswered(*request_, error.code))
    return false;
  auto* trailers = new (arena_.Allocate(sizeof(http::HeaderMap), alignof(http::HeaderMap))) http::HeaderMap(arena_);
  const GrpcStatus status = GrpcStatusOf(error.code);
  AddGrpcStatus(status, PublicReason(error.code), *trailers);
  record_.grpc_status = static_cast<uint8_t>(status);
  deadlines_.Lift();
  GiveRest();
  stream_->SendTrailers(*trailers);
  deadlines_.idle.Move(now());
  ArmTimer();
  return true;
}

}  // namespace headgate::proxy
