// The reading half of a client's HTTP/1 connection.
#include <algorithm>
#include <cstring>

#include "base/end.h"
#include "base/limits.h"
#include "http/connection_options.h"
#include "proxy/downstream/downstream_h1_connection.h"

namespace headgate::proxy {

using base::Chain;
using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;
using base::Slice;
using http::h1::BodyDecoder;
using net::IoResult;
using net::IoStatus;

namespace {

http::h1::HeadLimits HeadLimitsOf(const routing::LimitsPolicy& limits) noexcept {
  return {.head_bytes = limits.request_head_bytes,
          .field_bytes = limits.field_bytes,
          .fields = limits.fields,
          .target_bytes = limits.target_bytes};
}

}  // namespace

void DownstreamH1Connection::ReleaseInput() {
  in_.reset();
  begin_ = end_ = 0;
}

// Room for more input behind what is buffered: a fresh slab, or a larger one for a head beyond a slab's size.
void DownstreamH1Connection::MakeRoom() {
  const size_t kept = buffered();
  if (kept == 0 && in_->unique()) {
    begin_ = end_ = 0;
    return;
  }
  const bool beyond_slab = kept >= base::kSlabBytes;
  base::SlabRef room = beyond_slab ? worker().slabs.TakeLarge(size_t{limits().request_head_bytes} + base::kReadBytesMax)
                                   : worker().slabs.Take();
  if (kept > 0) std::memcpy(room->data(), in_->data() + begin_, kept);
  in_ = std::move(room);
  begin_ = 0;
  end_ = kept;
}

IoStatus DownstreamH1Connection::ReadOnce() {
  if (!in_) {
    in_ = worker().slabs.Take();
    begin_ = end_ = 0;
  } else if (end_ == in_->size()) {
    MakeRoom();
  }
  const IoResult result = transport_->Read({in_->data() + end_, in_->size() - end_});
  if (result.status == IoStatus::kOk) {
    end_ += result.bytes;
    last_input_ = now();
  }
  return result.status;
}

// What comes behind the request under way, as far as a slab holds it. Not kBlocked: the input ended.
IoStatus DownstreamH1Connection::ReadAhead() {
  IoStatus status = IoStatus::kOk;
  while (status == IoStatus::kOk && transport_->maybe_readable() && buffered() < base::kSlabBytes) status = ReadOnce();
  return status == IoStatus::kOk ? IoStatus::kBlocked : status;
}

// Reads once. False when nothing came: blocked, or the input ended (which has been dealt with).
bool DownstreamH1Connection::ReadMore() {
  const IoStatus status = ReadOnce();
  if (status == IoStatus::kOk) return true;
  if (status != IoStatus::kBlocked) {
    OnInputEnd(status == IoStatus::kEof);
    return false;
  }
  if (state_ == State::kIdle && buffered() == 0) ReleaseInput();
  return false;
}

void DownstreamH1Connection::OnInputEnd(bool clean) {
  input_ended_ = true;
  if (exchange_ == nullptr) return Close(false);
  exchange_->OnClientError({ErrorCode::kClientClosed, Side::kClient, Retry::kNever,
                            clean ? "the client closed within its request's body" : "the client reset the connection"});
}

bool DownstreamH1Connection::TakeHead() {
  for (;;) {
    if (buffered() > 0 && state_ == State::kIdle) {
      begin_ += http::h1::LeadingEmptyLines({in_->data() + begin_, buffered()});
      if (buffered() > 0) {
        SetState(State::kHead);
        first_byte_ = now();
        clocks_.SetDeadline(now() + limits().head_timeout);
      }
    }
    if (buffered() > 0) {
      const std::string_view data(in_->data() + begin_, buffered());
      const size_t head_bytes = scanner_.Scan(data);
      if (head_bytes > 0) {
        StartExchange(head_bytes, {});
        return true;
      }
      const base::Result<void> partial = http::h1::CheckPartialRequestHead(data, HeadLimitsOf(limits()));
      if (!partial.ok()) {
        StartExchange(data.size(), partial.error());
        return true;
      }
    }
    if (ReadMore()) continue;
    if (state_ == State::kHead) ArmTimer();
    return false;
  }
}

// `head_bytes` of the buffer are the head; `early_error` is what is wrong with one that will never be complete.
void DownstreamH1Connection::StartExchange(size_t head_bytes, const Error& early_error) {
  SetState(State::kExchange);
  clocks_.ClearDeadline();
  ++requests_;
  exchange_ = services().pool.Take(services());
  http::RequestHead& request = exchange_->request();
  Error error = early_error;
  if (error.code == ErrorCode::kNone) {
    const http::Scheme scheme = client().tls ? http::Scheme::kHttps : http::Scheme::kHttp;
    const base::Result<void> decoded = http::h1::DecodeRequestHead(
        {in_->data() + begin_, head_bytes}, HeadLimitsOf(limits()), scheme, exchange_->arena(), request);
    if (!decoded.ok()) error = decoded.error();
  }
  const bool good = error.code == ErrorCode::kNone;
  if (!good) {
    http::h1::DescribeRefusedHead({in_->data() + begin_, buffered()}, limits().target_bytes, exchange_->arena(),
                                  request);
  }
  exchange_->HoldHead(in_);
  begin_ += head_bytes;
  scanner_.Reset();
  client_version_ = request.version;
  head_request_ = request.method == http::Method::kHead;
  close_after_ = !good || !request.keep_alive || listener_.draining();
  chunked_out_ = until_close_out_ = response_complete_ = discard_body_ = false;
  clocks_.Reset(limits());
  request_credit_ = 0;
  trailers_.emplace(exchange_->arena());
  body_.Start(good ? request.body : http::Body{}, Side::kClient, &*trailers_);
  body_delivered_ = body_.finished();
  exchange_->Begin(*this, listener_.CurrentSnapshot(), listener_.index(), first_byte_, error);
}

// Decodes and delivers what the credit allows; false when it must wait.
bool DownstreamH1Connection::TakeBody() {
  if (body_delivered_ || discard_body_) return false;
  for (size_t reads = 0; request_credit_ > 0;) {
    if (buffered() == 0 && body_.remaining() > base::kReadBytesMax) {
      if (++reads > base::kReadsPerTurn) break;
      if (!ReadBodyDirectly()) return false;
      if (exchange_ == nullptr || body_delivered_) return true;
      continue;
    }
    Chain& data = incoming_;
    bool needs_more = buffered() == 0;
    bool ended = false;
    while (!needs_more && !ended && request_credit_ > 0) {
      const size_t most = std::min(buffered(), std::max(request_credit_, size_t{64}));
      const BodyDecoder::Step step = body_.Next({in_->data() + begin_, most});
      begin_ += step.consumed;
      if (step.event == BodyDecoder::Event::kError) {
        close_after_ = true;
        body_delivered_ = true;
        exchange_->OnClientError(step.error);
        return true;
      }
      request_credit_ -= std::min(request_credit_, step.data.size());
      data.Append(Slice(in_, step.data.data(), step.data.size()));
      ended = step.event == BodyDecoder::Event::kEnd;
      needs_more = step.event == BodyDecoder::Event::kNeedMore && buffered() == 0;
    }
    if (!data.empty() || ended) DeliverBody(data, base::EndIf(ended));
    if (ended || exchange_ == nullptr || discard_body_) return true;
    if (!needs_more) continue;
    if (++reads > base::kReadsPerTurn) break;
    if (!ReadMore()) {
      ArmTimer();
      return false;
    }
  }
  if (request_credit_ > 0) transport_->RequestTurn();
  return false;
}

// Large bodies of a known length go from the socket into slabs without a decoder's look.
bool DownstreamH1Connection::ReadBodyDirectly() {
  Chain& data = incoming_;
  const uint64_t most = std::min<uint64_t>({request_credit_, body_.remaining(), base::kStreamBufferBytes});
  const IoResult result = transport_->ReadChain(worker().slabs, data, most);
  if (result.status == IoStatus::kBlocked) {
    ArmTimer();
    return false;
  }
  if (result.status != IoStatus::kOk) {
    OnInputEnd(result.status == IoStatus::kEof);
    return false;
  }
  last_input_ = now();
  body_.SkipSpliced(result.bytes);
  request_credit_ -= std::min<size_t>(request_credit_, result.bytes);
  DeliverBody(data, base::EndIf(body_.finished()));
  return true;
}

void DownstreamH1Connection::DeliverBody(Chain& data, base::End end) {
  clocks_.body.Progress(now(), data.size());
  if (end == base::End::kYes) {
    body_delivered_ = true;
    clocks_.body.Stop(now());
  }
  const http::ConnectionOptions* hop = exchange_->request().connection;
  if (end == base::End::kYes && hop != nullptr) hop->RemoveNamed(*trailers_);
  exchange_->OnRequestBody(data, end, end == base::End::kYes ? &*trailers_ : nullptr);
}

// Reads on through a body that nobody wanted: the client was not told of a close, it will send the next request.
void DownstreamH1Connection::DrainBody() {
  for (size_t reads = 0; reads < base::kReadsPerTurn;) {
    if (buffered() > 0) {
      const BodyDecoder::Step step = body_.Next({in_->data() + begin_, buffered()});
      begin_ += step.consumed;
      clocks_.body.Progress(now(), step.consumed);
      if (step.event == BodyDecoder::Event::kError) return BeginLinger();
      if (body_.finished()) return EnterIdle();
      continue;
    }
    ++reads;
    if (!ReadMore()) return;
  }
  transport_->RequestTurn();
}

void DownstreamH1Connection::RelayTunnel() {
  for (size_t reads = 0; exchange_ != nullptr && request_credit_ > 0 && !body_delivered_; ++reads) {
    if (reads >= base::kReadsPerTurn) return transport_->RequestTurn();
    Chain& data = incoming_;
    if (buffered() > 0) {
      const size_t bytes = std::min(buffered(), request_credit_);
      data.Append(Slice(in_, in_->data() + begin_, bytes));
      begin_ += bytes;
      if (buffered() == 0) ReleaseInput();
    } else {
      const IoResult result =
          transport_->ReadChain(worker().slabs, data, std::min(request_credit_, base::kReadBytesMax));
      if (result.status == IoStatus::kBlocked) return;
      if (result.status == IoStatus::kFailed) return OnInputEnd(false);
      body_delivered_ = result.status == IoStatus::kEof;
    }
    request_credit_ -= std::min(request_credit_, data.size());
    exchange_->OnRequestBody(data, base::EndIf(body_delivered_), nullptr);
  }
}

}  // namespace headgate::proxy
