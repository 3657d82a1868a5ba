#include "proxy/upstream/upstream_h2_stream.h"

#include <algorithm>

#include "base/crypto/crypto.h"
#include "base/end.h"
#include "base/limits.h"
#include "proxy/upstream/h2_fault.h"
#include "proxy/upstream/upstream_h2_connection.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;
using http::h2::H2Error;

namespace {

// As SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 6.5.2).
size_t SizeOf(const http::HeaderMap& headers) noexcept {
  size_t bytes = 0;
  for (const http::HeaderField& field : headers.fields()) bytes += field.name.size() + field.value.size() + 32;
  return bytes;
}

}  // namespace

void UpstreamH2Stream::Lease(Attempt& attempt) noexcept {
  HG_CHECK(state_ == State::kFree);
  state_ = State::kLeased;
  ++leases_;
  attempt_ = &attempt;
  upgrade_ = tunnel_ = refused_ = has_body_ = end_given_ = over_ = head_delivered_ = response_ended_ = false;
  interim_ = 0;
  credit_ = 0;
}

void UpstreamH2Stream::SendHead(const http::RequestHead& head, base::End end, bool upgrade) {
  HG_CHECK(state_ == State::kLeased);
  upgrade_ = upgrade;
  request_ = &head;
  // Whether the peer knows extended CONNECT is not known before its SETTINGS (RFC 8441 3).
  if (upgrade && connection_.alive() && !connection_.session().settings_received()) {
    state_ = State::kHeld;
    return connection_.RequestTurn();
  }
  Submit(head, end);
}

void UpstreamH2Stream::Submit(const http::RequestHead& head, base::End end) {
  if (upgrade_ && connection_.alive() && !connection_.session().peer_connect_protocol()) {
    state_ = State::kHeld;
    return connection_.Wake(*this);
  }
  state_ = State::kOpen;
  ResetStream(attempt_->arena, upgrade_ ? http::Method::kConnect : head.method);
  // Nobody may tell us of the end of a body that has no bytes. In HTTP/2 trailers may follow it.
  const bool empty =
      head.body.kind == http::BodyKind::kLength && head.body.length == 0 && head.version != http::Version::kHttp2;
  const http::Scheme scheme = connection_.transport_.is_tls() ? http::Scheme::kHttps : http::Scheme::kHttp;
  const bool ends = (end == base::End::kYes || empty) && !upgrade_;
  refused_ = !connection_.alive() ||
             !connection_.session().SubmitRequest(*this, head, scheme, base::EndIf(ends && !head.is_grpc), upgrade_);
  if (refused_) {
    state_ = State::kLeased;
    return connection_.Wake(*this);
  }
  early_ = !connection_.session().settings_received();
  connection_.Await(*this);
  if (ends && head.is_grpc) return EndWithData();
  connection_.RequestTurn();
}

// gRPC's requests end with a DATA frame, be it an empty one; there are servers that wait for it for ever (gRPC over
// HTTP/2, "Request": EOS).
void UpstreamH2Stream::EndWithData() {
  base::Chain nothing;
  SendBody(nothing, base::End::kYes);
}

// The session sends nothing before its SETTINGS allow it; now it is known what they say.
void UpstreamH2Stream::OnSettings() {
  if (!connection_.session().settings_received()) return;
  if (!connection_.session().peer_connect_protocol()) {
    return Fail(BrokenProtocol("the upstream does not know extended CONNECT (RFC 8441)"));
  }
  Submit(*request_, base::End::kNo);
}

void UpstreamH2Stream::SendBody(base::Chain& data, base::End end) {
  if (mute()) return data.Clear();
  has_body_ = has_body_ || !data.empty();
  end_given_ = end_given_ || end == base::End::kYes;
  connection_.session().SendBody(*this, data, end);
  connection_.RequestTurn();
}

void UpstreamH2Stream::SendTrailers(const http::HeaderMap& trailers) {
  if (mute()) return;
  connection_.session().SendTrailers(*this, trailers);
  connection_.RequestTurn();
}

void UpstreamH2Stream::SetResponseCredit(size_t bytes) {
  credit_ = bytes;
  if (bytes == 0 || state_ != State::kOpen || over_ || response_ended_ || !head_delivered_) return;
  if (received() > 0) connection_.Wake(*this);
}

void UpstreamH2Stream::Release() {
  if (attempt_ == nullptr) return;
  attempt_ = nullptr;
  request_ = nullptr;
  ++leases_;
  static_cast<base::ListNode<UpstreamReadyTag>*>(this)->Unlink();
  static_cast<base::ListNode<UnsentTag>*>(this)->Unlink();
  static_cast<base::ListNode<GrantTag>*>(this)->Unlink();
  const bool submitted = state_ == State::kOpen;
  if (submitted) connection_.session().DiscardBody(*this);
  const bool parting = submitted && !closed() && connection_.alive();
  // An end that needs nobody's credit is on its way. A request whose answer is complete is cut short without blame
  // (RFC 9113 8.1).
  const bool sent = local_ended() || (end_given_ && queued() == 0);
  if (parting && !malformed() && !(remote_ended() && sent)) {
    connection_.session().Reset(*this, remote_ended() ? H2Error::kNoError : H2Error::kCancel);
  }
  state_ = parting ? State::kParting : State::kFree;
  connection_.Released(*this, parting);
}

void UpstreamH2Stream::OnNews() {
  const News seen = news();
  ClearNews();
  if (attempt_ == nullptr) {
    if (state_ == State::kParting && closed()) connection_.Free(*this);
    return;
  }
  if (seen.heads || seen.body) {
    attempt_->any_byte_received = true;
    connection_.NoteResponse();
  }
  if (seen.sent && has_body_ && !over_) {
    const uint64_t lease = leases_;
    attempt_->events.OnRequestFlushed();
    if (lease != leases_) return;
  }
  Digest();
}

void UpstreamH2Stream::Digest() {
  if (over_ || attempt_ == nullptr) return;
  if (refused_) return Fail(NotProcessed(attempt_->reused, "the connection takes no more streams"));
  if (state_ == State::kHeld) return OnSettings();
  if (state_ != State::kOpen) return;
  if (malformed() || head_error().code != ErrorCode::kNone) return Fail(BrokenResponse(*this));
  // While nothing was told of a response that broke off it is a failure, not half a response.
  if (!head_delivered_ && !remote_ended()) {
    if (closed()) return FailClosed();
    if (connection_.failed()) return;
  }
  if (!TakeHeads()) return;
  if (!head_delivered_ && remote_ended()) return Fail(BrokenProtocol("the stream ended without a response"));
  if (head_delivered_ && !Deliver()) return;
  if (closed() && !remote_ended()) FailClosed();
}

// The session forgot the stream before its response was complete.
void UpstreamH2Stream::FailClosed() {
  if (!reset_by_peer()) {
    // With its connection, which says why next; else the session had a reason to reset it.
    if (connection_.session().ended()) return;
    return Fail(BrokenProtocol("the upstream broke the rules of its stream"));
  }
  if (reset_code() != H2Error::kRefusedStream) return Fail(ResetByUpstream(reset_code()));
  const bool going_away = connection_.session().goaway_received();
  attempt_->any_byte_sent = false;
  Fail(NotProcessed(early_ || (going_away && attempt_->reused), going_away
                                                                    ? "GOAWAY before the request was processed"
                                                                    : "the upstream sent RST_STREAM(REFUSED_STREAM)"));
}

bool UpstreamH2Stream::TakeHeads() {
  while (http::ResponseHead* head = TakeResponse()) {
    if (!TakeHead(*head)) return false;
  }
  return true;
}

bool UpstreamH2Stream::TakeHead(http::ResponseHead& head) {
  const uint64_t lease = leases_;
  if (SizeOf(head.headers) > attempt_->upstream_head_bytes) {
    Fail({ErrorCode::kUpstreamHeaderTooLarge, Side::kUpstream, Retry::kNever, "the response's head is too large"});
    return false;
  }
  if (head.status == 101) {
    Fail(BrokenProtocol("a 101 in HTTP/2"));
    return false;
  }
  if (head.status < 200) {
    if (++interim_ > base::kInterimResponsesMax) {
      Fail(BrokenProtocol("too many interim responses"));
      return false;
    }
    attempt_->events.OnInterimResponse(head);
    return lease == leases_;
  }
  head_delivered_ = true;
  connection_.served_ = true;
  if (upgrade_ && head.status < 300) {
    BecomeTunnel(head);
    return lease == leases_;
  }
  upgrade_ = false;  // an ordinary response
  response_ended_ = remote_ended() && received() == 0 && trailers() == nullptr;
  attempt_->events.OnResponseHead(head, base::EndIf(response_ended_));
  return lease == leases_;
}

// What HTTP/1 says with a 101; its client wants to see that its key was read (RFC 6455 4.2.2).
void UpstreamH2Stream::BecomeTunnel(http::ResponseHead& head) {
  tunnel_ = true;
  head.status = 101;
  head.body = {};
  head.headers.Remove(http::HeaderId::kSecWebSocketAccept);
  const std::string_view key = request_->headers.Get(http::HeaderId::kSecWebSocketKey);
  if (!key.empty()) {
    head.headers.Add(http::HeaderId::kSecWebSocketAccept, attempt_->arena.Copy(base::WebSocketAccept(key)));
  }
  attempt_->events.OnResponseHead(head, base::End::kNo);
}

bool UpstreamH2Stream::Deliver() {
  if (response_ended_) return true;
  const size_t bytes = std::min(credit_, received());
  base::Chain& delivery = connection_.delivery_;
  if (bytes > 0) connection_.session().TakeBody(*this, delivery, bytes);
  const base::End end = base::EndIf(remote_ended() && received() == 0);
  if (bytes == 0 && end == base::End::kNo) return true;
  credit_ -= bytes;
  response_ended_ = end == base::End::kYes;
  const uint64_t lease = leases_;
  attempt_->events.OnResponseBody(delivery, end, end == base::End::kYes ? trailers() : nullptr);
  delivery.Clear();
  return lease == leases_;
}

bool UpstreamH2Stream::whole() const noexcept {
  return state_ == State::kOpen && !over_ && head_delivered_ && remote_ended() && !malformed();
}

void UpstreamH2Stream::Lose(Error error) {
  if (over_ || attempt_ == nullptr) return;
  if (!attempt_->any_byte_sent) {
    error.retry = Retry::kSafe;
  } else if (error.code == ErrorCode::kUpstreamReset && attempt_->reused && !attempt_->any_byte_received) {
    error.retry = Retry::kIfReused;
  }
  Fail(error);
}

void UpstreamH2Stream::MarkSent() noexcept {
  if (attempt_ != nullptr) attempt_->any_byte_sent = true;
}

void UpstreamH2Stream::Fail(const Error& error) {
  over_ = true;
  static_cast<base::ListNode<UpstreamReadyTag>*>(this)->Unlink();
  attempt_->events.OnAttemptFailed(error);
}

}  // namespace headgate::proxy
