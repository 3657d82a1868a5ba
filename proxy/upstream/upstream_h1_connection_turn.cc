// A leased connection's turn: send what waits, read what is there, tell the attempt.
#include <algorithm>
#include <utility>

#include "base/end.h"
#include "base/limits.h"
#include "proxy/upstream/upstream_h1_connection.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;
using net::IoStatus;

Error UpstreamH1Connection::Lost(const char* detail) const noexcept {
  Retry retry = Retry::kNever;
  if (!attempt_->any_byte_sent) {
    retry = Retry::kSafe;
  } else if (attempt_->reused && !attempt_->any_byte_received) {
    retry = Retry::kIfReused;
  }
  return {ErrorCode::kUpstreamReset, Side::kUpstream, retry, detail};
}

void UpstreamH1Connection::Fail(Error error) {
  over_ = true;
  transport_.Close(kReset);
  attempt_->events.OnAttemptFailed(error);
}

bool UpstreamH1Connection::Flush() {
  if (writer_.empty() || over_) return true;
  const uint64_t lease = leases_;
  const size_t before = writer_.queued();
  Write();
  if (writer_.queued() >= before) return true;
  attempt_->events.OnRequestFlushed();
  return lease == leases_;
}

bool UpstreamH1Connection::WantsInput() noexcept {
  if (over_) return false;
  return reader_.in_head() || (reader_.in_body() && credit_ > reader_.ready().size());
}

bool UpstreamH1Connection::Receive() {
  for (size_t reads = 0; WantsInput(); ++reads) {
    if (!Digest()) return false;
    if (!WantsInput() || !transport_.maybe_readable()) break;
    if (reads == base::kReadsPerTurn) {
      transport_.RequestTurn();
      break;
    }
    bool more = false;
    if (!ReadOnce(more)) return false;
    if (!more) break;
  }
  if (over_ || !leased()) return false;
  if (!Digest()) return false;
  // Nothing was answered, and nothing more can be asked.
  if (writer_.aborted() && reader_.in_head()) Fail(Lost("reset while the request was sent"));
  // A tunnel's upstream that has said all and hears nothing more.
  if (state_ == State::kTunnel && response_ended_ && transport_.broken()) {
    writer_.Abort();
    Fail(Lost("reset within the tunnel"));
  }
  return !over_;
}

// Reads once. `more`: it may be worth to read again.
bool UpstreamH1Connection::ReadOnce(bool& more) {
  looked_on_ = head_ != nullptr;
  const net::IoResult result = reader_.Fill(transport_, credit_ - std::min(credit_, reader_.ready().size()));
  if (result.bytes > 0) {
    if (!writer_.started()) {
      Fail({ErrorCode::kUpstreamProtocol, Side::kUpstream, Retry::kSafe, "bytes before a request was sent"});
      return false;
    }
    attempt_->any_byte_received = true;
  }
  more = result.status == IoStatus::kOk;
  if (result.status == IoStatus::kEof) {
    const Error end = reader_.EndOfInput();
    keep_alive_ = false;
    if (end.code == ErrorCode::kNone) return true;
    Fail(Lost(end.detail));
    return false;
  }
  if (result.status == IoStatus::kFailed) {
    const bool tls = transport_.is_tls() && !transport_.tls_error().empty();
    Fail(Lost(tls                 ? transport_.tls_error().data()
              : reader_.in_head() ? "reset before a response"
                                  : "reset within the response"));
    return false;
  }
  return true;
}

// Tells the attempt of everything that was read, as far as its credit goes.
bool UpstreamH1Connection::Digest() {
  if (over_) return false;
  if (reader_.in_head() && !TakeHeads()) return false;
  if (head_ != nullptr && !reader_.failed()) {
    if (LooksOn()) return true;
    if (!DeliverHead()) return false;
  }
  if (head_delivered_ && !Deliver()) return false;
  if (!reader_.failed()) return true;
  Fail(reader_.error());
  return false;
}

bool UpstreamH1Connection::TakeHeads() {
  while (reader_.in_head()) {
    base::Result<http::ResponseHead*> next = reader_.NextHead();
    if (!next.ok()) {
      Fail(next.error());
      return false;
    }
    if (next.value() == nullptr) return true;
    if (!TakeHead(*next.value())) return false;
  }
  return true;
}

bool UpstreamH1Connection::TakeHead(http::ResponseHead& head) {
  const uint64_t lease = leases_;
  if (head.status == 101) return BecomeTunnel(head);
  if (head.status < 200) {
    if (++interim_ > base::kInterimResponsesMax) {
      Fail({ErrorCode::kUpstreamProtocol, Side::kUpstream, Retry::kNever, "too many interim responses"});
      return false;
    }
    attempt_->events.OnInterimResponse(head);
    return lease == leases_;
  }
  stated_idle_ = std::chrono::seconds(head.keep_alive_seconds);
  keep_alive_ = head.keep_alive && head.body.kind != http::BodyKind::kUntilClose;
  reader_.StartBody(head);
  head_ = &head;
  return true;
}

// A body that breaks off in the bytes that came with its head makes a 502, not half a response: the socket is read once
// more before the head goes on.
bool UpstreamH1Connection::LooksOn() noexcept { return !looked_on_ && WantsInput() && transport_.maybe_readable(); }

bool UpstreamH1Connection::DeliverHead() {
  const uint64_t lease = leases_;
  http::ResponseHead& head = *std::exchange(head_, nullptr);
  head_delivered_ = true;
  const base::End end = base::EndIf(reader_.finished() && reader_.ready().empty() && reader_.trailers() == nullptr);
  response_ended_ = end == base::End::kYes;
  attempt_->events.OnResponseHead(head, end);
  return lease == leases_;
}

bool UpstreamH1Connection::BecomeTunnel(http::ResponseHead& head) {
  const char* fault = upgrade_ ? nullptr : "a 101 that was not asked for";
  if (!websocket_.key.empty()) {
    // The key was ours, so is the check (RFC 6455 4.1); the client knows nothing of either.
    const bool accepted = head.headers.Count(http::HeaderId::kSecWebSocketAccept) == 1 &&
                          head.headers.Get(http::HeaderId::kSecWebSocketAccept) == websocket_.accept;
    if (!accepted) fault = "a 101 with a wrong sec-websocket-accept";
    head.headers.Remove(http::HeaderId::kSecWebSocketAccept);
  }
  if (fault != nullptr) {
    Fail({ErrorCode::kUpstreamProtocol, Side::kUpstream, Retry::kNever, fault});
    return false;
  }
  const uint64_t lease = leases_;
  state_ = State::kTunnel;
  writer_.StartTunnel();
  reader_.StartTunnel();
  head_delivered_ = true;
  attempt_->events.OnResponseHead(head, base::End::kNo);
  return lease == leases_;
}

bool UpstreamH1Connection::Deliver() {
  if (response_ended_) return true;
  const size_t bytes = std::min(credit_, reader_.ready().size());
  const base::End end = base::EndIf(reader_.finished() && bytes == reader_.ready().size());
  if (bytes == 0 && end == base::End::kNo) return true;
  if (bytes == reader_.ready().size()) {
    std::swap(delivery_, reader_.ready());
  } else {
    reader_.ready().MoveTo(delivery_, bytes);
  }
  credit_ -= bytes;
  response_ended_ = end == base::End::kYes;
  const uint64_t lease = leases_;
  attempt_->events.OnResponseBody(delivery_, end, end == base::End::kYes ? reader_.trailers() : nullptr);
  delivery_.Clear();
  return lease == leases_;
}

}  // namespace headgate::proxy
