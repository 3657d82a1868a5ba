// The writing half of a client's HTTP/1 connection, and its side of the stream that the exchange uses.
#include <algorithm>

#include "base/end.h"
#include "base/limits.h"
#include "http/h1/encoder.h"
#include "proxy/downstream/downstream_h1_connection.h"

namespace headgate::proxy {

using base::Chain;
using base::ErrorCode;
using base::Retry;
using base::Side;
using base::Slice;
using http::BodyKind;
using net::IoStatus;

namespace {

// The last chunk follows a chunk's end in the same write.
constexpr std::string_view kChunkEndAndLast = "\r\n0\r\n\r\n";

}  // namespace

std::span<char> DownstreamH1Connection::OutSpace(size_t bytes) {
  if (!out_slab_ || out_slab_->size() - out_used_ < bytes) {
    out_slab_ = worker().slabs.TakeLarge(bytes);
    out_used_ = 0;
  }
  return {out_slab_->data() + out_used_, out_slab_->size() - out_used_};
}

void DownstreamH1Connection::CommitOut(size_t bytes) {
  out_.Append(Slice(out_slab_, out_slab_->data() + out_used_, bytes));
  out_used_ += bytes;
}

void DownstreamH1Connection::AppendHead(const http::ResponseHead& head, bool upgrade) {
  const http::h1::ResponseOptions options{.client_version = client_version_,
                                          .close = close_after_,
                                          .upgrade = upgrade,
                                          .head_request = head_request_,
                                          .date = services().date.Now(worker().wall_now)};
  const std::span<char> space = OutSpace(http::h1::EncodedBound(head) + options.date.size() + 64);
  CommitOut(http::h1::EncodeResponseHead(head, options, space));
}

void DownstreamH1Connection::SendInterim(http::ResponseHead& head) {
  const bool close = std::exchange(close_after_, false);
  AppendHead(head, false);
  close_after_ = close;
  FlushSoon();
}

// Nobody wants the rest of the request's body, and it is not worth a connection to read it.
bool DownstreamH1Connection::Unwanted(uint16_t status) const noexcept {
  const bool refused = discard_body_ || status >= 400;
  return refused && (status == 413 || body_.remaining() > base::kDrainBytesMax);
}

void DownstreamH1Connection::SendHead(http::ResponseHead& head, base::End end) {
  const bool tunnel = head.status == 101;
  close_after_ = close_after_ || listener_.draining() || (input_ended_ && buffered() == 0);
  if (!body_.finished() && Unwanted(head.status)) close_after_ = true;
  // A body that has ended already is an empty one, whatever its framing was to be.
  if (end == base::End::kYes && head.body.kind == BodyKind::kChunked)
    head.body = {.kind = BodyKind::kLength, .length = 0};
  if (head.body.kind == BodyKind::kChunked && client_version_ == http::Version::kHttp10) {
    head.body.kind = BodyKind::kUntilClose;
  }
  chunked_out_ = head.body.kind == BodyKind::kChunked && end == base::End::kNo;
  until_close_out_ = head.body.kind == BodyKind::kUntilClose && end == base::End::kNo;
  if (until_close_out_) close_after_ = true;
  AppendHead(head, tunnel);
  if (tunnel) {
    SetState(State::kTunnel);
    body_delivered_ = false;
    return FlushSoon();
  }
  response_complete_ = end == base::End::kYes;
  if (end == base::End::kYes) return Flush();
  FlushSoon();
}

void DownstreamH1Connection::SendBody(Chain& data, base::End end) {
  if (state_ == State::kTunnel) {
    out_.Append(data);
    shutdown_after_flush_ = shutdown_after_flush_ || end == base::End::kYes;
    response_complete_ = response_complete_ || end == base::End::kYes;
    return end == base::End::kYes ? Flush() : FlushSoon();
  }
  if (chunked_out_ && !data.empty()) {
    char header[http::h1::kChunkHeaderBytes];
    const size_t header_bytes =
        http::h1::EncodeChunkHeader(data.size(), std::span<char, http::h1::kChunkHeaderBytes>(header));
    const std::span<char> space = OutSpace(header_bytes);
    std::copy_n(header, header_bytes, space.data());
    CommitOut(header_bytes);
    out_.Append(data);
    out_.Append(Slice::Unowned(end == base::End::kYes ? kChunkEndAndLast : http::h1::kChunkEnd));
  } else if (chunked_out_ && end == base::End::kYes) {
    out_.Append(Slice::Unowned(http::h1::kLastChunk));
  } else {
    out_.Append(data);
  }
  response_complete_ = end == base::End::kYes;
  if (end == base::End::kYes) return Flush();
  FlushSoon();
}

void DownstreamH1Connection::SendTrailers(const http::HeaderMap& trailers) {
  if (chunked_out_) {
    const std::span<char> space = OutSpace(http::h1::EncodedBound(trailers));
    CommitOut(http::h1::EncodeLastChunk(trailers, space));
  }
  response_complete_ = true;
  Flush();
}

// Whatever was sent stays visibly incomplete: no last chunk, fewer bytes than announced, or a reset.
void DownstreamH1Connection::Abort() {
  aborted_ = true;
  if (!out_.empty() && transport_->open()) transport_->Write(out_);
}

void DownstreamH1Connection::SetRequestCredit(size_t bytes) {
  request_credit_ = bytes;
  if (bytes == 0 || body_delivered_) return clocks_.body.Stop(now());
  if (clocks_.BodyMayStart() && state_ == State::kExchange) {
    clocks_.body.Start(now());
    ArmTimer();
  }
  if (!running_) transport_->RequestTurn();
}

void DownstreamH1Connection::StopBodyClock() { clocks_.EndBody(now()); }

void DownstreamH1Connection::OnExchangeDone() {
  exchange_ = nullptr;
  body_.DropTrailers();
  flushed_event_due_ = false;
  if (aborted_) return Close(until_close_out_ || !out_.empty());
  if (!running_) transport_->RequestTurn();
}

// Whatever else is queued within this turn leaves in the same write.
void DownstreamH1Connection::FlushSoon() { transport_->RequestTurn(); }

void DownstreamH1Connection::Flush() {
  const size_t before = out_.size();
  const net::IoResult result = transport_->Write(out_);
  if (before != out_.size()) clocks_.reader.Progress(now(), before - out_.size());
  if (result.status == IoStatus::kFailed || result.status == IoStatus::kEof) {
    write_failed_ = true;
    out_.Clear();
  }
  if (out_.empty()) {
    clocks_.reader.Stop(now());
    out_slab_.reset();
    if (std::exchange(shutdown_after_flush_, false) && !write_failed_) transport_->ShutdownWrite();
  } else if (!clocks_.reader.running()) {
    clocks_.reader.Start(now());
    ArmTimer();
  }
  flushed_event_due_ = true;
  if (!running_) transport_->RequestTurn();
}

// Tells the exchange what the kernel took; only from the loop.
void DownstreamH1Connection::ReportFlushed() {
  if (!std::exchange(flushed_event_due_, false) || exchange_ == nullptr) return;
  if (write_failed_) {
    exchange_->OnClientError({ErrorCode::kClientClosed, Side::kClient, Retry::kNever, "writing to the client failed"});
    return;
  }
  exchange_->OnResponseFlushed(out_.empty() && response_complete_);
}

}  // namespace headgate::proxy
