#include "proxy/upstream/h1_request_writer.h"

#include <cstring>
#include <span>

#include "base/end.h"
#include "base/limits.h"
#include "http/h1/encoder.h"

namespace headgate::proxy {

namespace {

// Both lines of AppendHandshake: names, a key of 24 digits, line ends.
constexpr size_t kHandshakeBytes = 128;

}  // namespace

void H1RequestWriter::Start(const http::RequestHead& head, base::End end, bool upgrade,
                            std::string_view websocket_key) {
  const size_t bound = http::h1::EncodedBound(head) + kHandshakeBytes;
  text_ = pool_.TakeLarge(bound);
  text_used_ = http::h1::EncodeRequestHead(head, upgrade, {text_->data(), text_->size() - kHandshakeBytes});
  HG_CHECK(text_used_ > 0);
  if (!websocket_key.empty()) AppendHandshake(websocket_key, !head.headers.Has(http::HeaderId::kSecWebSocketVersion));
  out_.Append(base::Slice(text_, text_->data(), text_used_));
  kind_ = upgrade ? http::BodyKind::kNone : head.body.kind;
  if (kind_ == http::BodyKind::kUntilClose) kind_ = http::BodyKind::kChunked;
  remaining_ = head.body.length;
  state_ = State::kBody;
  if (upgrade || end == base::End::kYes || (kind_ == http::BodyKind::kLength && remaining_ == 0)) EndMessage();
}

// In place of the empty line that ends the head (RFC 6455 4.1).
void H1RequestWriter::AppendHandshake(std::string_view websocket_key, bool with_version) {
  text_used_ -= 2;
  const auto append = [this](std::string_view text) {
    std::memcpy(text_->data() + text_used_, text.data(), text.size());
    text_used_ += text.size();
  };
  if (with_version) append("sec-websocket-version: 13\r\n");
  append("sec-websocket-key: ");
  append(websocket_key);
  append("\r\n\r\n");
}

void H1RequestWriter::EndMessage() {
  if (kind_ == http::BodyKind::kChunked) out_.Append(base::Slice::Unowned(http::h1::kLastChunk));
  if (kind_ == http::BodyKind::kLength && remaining_ != 0) broken_ = true;
  state_ = broken_ ? State::kAborted : State::kComplete;
}

void H1RequestWriter::AppendChunkHeader(size_t bytes) {
  if (text_used_ + http::h1::kChunkHeaderBytes > text_->size()) {
    text_ = pool_.Take();
    text_used_ = 0;
  }
  char* at = text_->data() + text_used_;
  const size_t written =
      http::h1::EncodeChunkHeader(bytes, std::span<char, http::h1::kChunkHeaderBytes>(at, http::h1::kChunkHeaderBytes));
  out_.Append(base::Slice(text_, at, written));
  text_used_ += written;
}

void H1RequestWriter::LimitToLength(base::Chain& data) {
  if (data.size() > remaining_) {
    base::Chain kept;
    data.MoveTo(kept, remaining_);
    data.Clear();
    data.Append(kept);
    broken_ = true;
  }
  remaining_ -= data.size();
}

void H1RequestWriter::Body(base::Chain& data, base::End end) {
  if (state_ == State::kTunnel) {
    body_bytes_ += data.size();
    out_.Append(data);
    if (end == base::End::kYes) state_ = State::kTunnelEnded;
    return;
  }
  if (state_ != State::kBody || kind_ == http::BodyKind::kNone) data.Clear();
  if (state_ != State::kBody) return;
  if (kind_ == http::BodyKind::kLength) LimitToLength(data);
  if (!data.empty()) {
    body_bytes_ += data.size();
    const bool chunked = kind_ == http::BodyKind::kChunked;
    if (chunked) AppendChunkHeader(data.size());
    out_.Append(data);
    if (chunked) out_.Append(base::Slice::Unowned(http::h1::kChunkEnd));
  }
  if (end == base::End::kYes) EndMessage();
}

void H1RequestWriter::Trailers(const http::HeaderMap& trailers) {
  if (state_ != State::kBody) return;
  if (kind_ != http::BodyKind::kChunked) return EndMessage();
  base::SlabRef slab = pool_.TakeLarge(http::h1::EncodedBound(trailers));
  const size_t written = http::h1::EncodeLastChunk(trailers, {slab->data(), slab->size()});
  const char* at = slab->data();
  out_.Append(base::Slice(std::move(slab), at, written));
  state_ = State::kComplete;
}

void H1RequestWriter::StartTunnel() noexcept { state_ = State::kTunnel; }

net::IoResult H1RequestWriter::Flush(net::Transport& transport) noexcept {
  net::IoResult result{net::IoStatus::kOk, 0};
  if (!out_.empty()) result = transport.Write(out_);
  if (!out_.empty()) return result;
  body_bytes_ = 0;
  if (state_ == State::kComplete) text_.reset();
  if (state_ == State::kTunnelEnded && !shut_down_) {
    shut_down_ = true;
    transport.ShutdownWrite();
  }
  return result;
}

void H1RequestWriter::Abort() noexcept {
  state_ = State::kAborted;
  out_.Clear();
  body_bytes_ = 0;
  text_.reset();
}

void H1RequestWriter::Reset() noexcept {
  // An idle connection keeps the room for a small message's slices, no more.
  if (out_.storage() > base::kGatherMax) {
    out_ = base::Chain();
  } else {
    out_.Clear();
  }
  text_.reset();
  state_ = State::kIdle;
  kind_ = http::BodyKind::kNone;
  broken_ = shut_down_ = false;
  remaining_ = 0;
  body_bytes_ = 0;
  text_used_ = 0;
}

}  // namespace headgate::proxy
