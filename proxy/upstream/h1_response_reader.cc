#include "proxy/upstream/h1_response_reader.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/limits.h"
#include "http/connection_options.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using http::h1::BodyDecoder;

namespace {

constexpr std::string_view kStart = "HTTP/";
// Pieces of a chunked body below this are moved together, so that one-byte chunks don't become a slice each.
constexpr size_t kCompactBytes = 1024;

Error ProtocolError(const char* detail) noexcept {
  return {ErrorCode::kUpstreamProtocol, base::Side::kUpstream, base::Retry::kNever, detail};
}

}  // namespace

void H1ResponseReader::Start(http::Method method, size_t head_bytes_max, base::Arena& arena) noexcept {
  state_ = State::kHead;
  method_ = method;
  head_bytes_max_ = head_bytes_max;
  arena_ = &arena;
}

Error H1ResponseReader::TooLarge() const noexcept {
  return {ErrorCode::kUpstreamHeaderTooLarge, base::Side::kUpstream, base::Retry::kNever,
          "the response's head is over the limit"};
}

// False when the head cannot grow any more.
bool H1ResponseReader::MakeRoomForHead() {
  if (!slab_) {
    slab_ = pool_.Take();
    return true;
  }
  if (end_ < slab_->size()) return true;
  const size_t held = end_ - begin_;
  if (held >= head_bytes_max_) return false;
  base::SlabRef larger = pool_.TakeLarge(std::max(base::kSlabBytes, std::min(2 * held, head_bytes_max_ + 1)));
  std::memcpy(larger->data(), slab_->data() + begin_, held);
  slab_ = std::move(larger);
  begin_ = 0;
  end_ = held;
  return true;
}

void H1ResponseReader::MakeRoomForBody() {
  if (slab_ && slab_->size() - end_ >= base::kReadRoomMin) return;
  slab_ = pool_.Take();
  begin_ = end_ = 0;
}

net::IoResult H1ResponseReader::Fill(net::Transport& transport, size_t wanted) {
  if (state_ == State::kHead && !MakeRoomForHead()) {
    error_ = TooLarge();
    state_ = State::kFailed;
    return {net::IoStatus::kOk, 0};
  }
  if (state_ != State::kHead && flowing_ && wanted > base::kSlabBytes) {
    raw_.Clear();
    const size_t bytes_max = std::min(wanted, base::kStreamBufferBytes);
    const net::IoResult result = transport.ReadChain(pool_, raw_, bytes_max);
    flowing_ = result.bytes >= base::kSlabBytes;
    for (size_t i = 0; i < raw_.slices(); ++i) {
      const base::Slice& slice = raw_[i];
      Decode(slice.owner(), const_cast<char*>(slice.data()), slice.size());
    }
    raw_.Clear();
    return result;
  }
  if (state_ != State::kHead) MakeRoomForBody();
  const size_t room = slab_->size() - end_;
  const net::IoResult result = transport.Read({slab_->data() + end_, room});
  flowing_ = result.bytes == room;
  end_ += result.bytes;
  if (state_ != State::kHead) {
    const size_t from = begin_;
    begin_ = end_;
    Decode(slab_, slab_->data() + from, end_ - from);
  }
  return result;
}

base::Result<http::ResponseHead*> H1ResponseReader::NextHead() {
  const std::string_view seen(slab_ ? slab_->data() + begin_ : nullptr, end_ - begin_);
  const size_t start = std::min(seen.size(), kStart.size());
  if (seen.substr(0, start) != kStart.substr(0, start)) return ProtocolError("not an HTTP/1 response");
  const size_t checked = scanner_.scanned();
  const size_t bytes = scanner_.Scan(seen);
  if (bytes > head_bytes_max_ || (bytes == 0 && seen.size() >= head_bytes_max_)) return TooLarge();
  if (bytes == 0) {
    // What can never become a head is refused now, not at the deadline.
    const char* fault = http::h1::FaultOfPartialResponse(seen, checked);
    if (fault != nullptr) return ProtocolError(fault);
    return static_cast<http::ResponseHead*>(nullptr);
  }
  auto* head =
      new (arena_->Allocate(sizeof(http::ResponseHead), alignof(http::ResponseHead))) http::ResponseHead(*arena_);
  const http::h1::HeadLimits limits{
      .head_bytes = head_bytes_max_, .field_bytes = head_bytes_max_, .fields = base::kUpstreamFieldsMax};
  const base::Result<void> decoded =
      http::h1::DecodeResponseHead({slab_->data() + begin_, bytes}, limits, method_, *arena_, *head);
  if (!decoded.ok()) return decoded.error();
  begin_ += bytes;
  scanner_.Reset();
  return head;
}

void H1ResponseReader::StartBody(const http::ResponseHead& head) {
  head_ = slab_;
  if (head.body.kind == http::BodyKind::kChunked) {
    trailers_ = new (arena_->Allocate(sizeof(http::HeaderMap), alignof(http::HeaderMap))) http::HeaderMap(*arena_);
  }
  connection_ = head.connection;
  decoder_.Start(head.body, base::Side::kUpstream, trailers_);
  state_ = decoder_.finished() ? State::kFinished : State::kBody;
  const size_t from = begin_;
  begin_ = end_;
  Decode(slab_, slab_->data() + from, end_ - from);
}

void H1ResponseReader::StartTunnel() {
  head_ = slab_;
  state_ = State::kTunnel;
  const size_t from = begin_;
  begin_ = end_;
  Decode(slab_, slab_->data() + from, end_ - from);
}

void H1ResponseReader::Decode(const base::SlabRef& owner, char* data, size_t bytes) {
  if (state_ == State::kTunnel) {
    ready_.Append(base::Slice(owner, data, bytes));
    return;
  }
  std::string_view left(data, bytes);
  while (!left.empty() && state_ == State::kBody) {
    const BodyDecoder::Step step = decoder_.Next(left);
    left.remove_prefix(step.consumed);
    if (step.event == BodyDecoder::Event::kData) AppendBody(owner, step.data);
    if (step.event == BodyDecoder::Event::kError) {
      error_ = step.error;
      state_ = State::kFailed;
    }
    if (decoder_.finished()) state_ = State::kFinished;
  }
  const bool hop = state_ == State::kFinished && trailers_ != nullptr && connection_ != nullptr;
  if (hop) connection_->RemoveNamed(*trailers_);
  if (!left.empty() && state_ == State::kFinished) excess_ = true;
}

void H1ResponseReader::AppendBody(const base::SlabRef& owner, std::string_view data) {
  if (data.size() < kCompactBytes && !ready_.empty()) {
    const base::Slice& last = ready_[ready_.slices() - 1];
    // What lies between the last piece and this one in their slab is framing that was consumed.
    if (last.owner().get() == owner.get() && last.data() + last.size() < data.data()) {
      char* target = const_cast<char*>(last.data()) + last.size();
      std::memmove(target, data.data(), data.size());
      data = {target, data.size()};
    }
  }
  ready_.Append(base::Slice(owner, data.data(), data.size()));
}

Error H1ResponseReader::EndOfInput() noexcept {
  const bool clean = state_ == State::kTunnel || state_ == State::kFinished ||
                     (state_ == State::kBody && decoder_.EndOfInputIsClean());
  if (clean) {
    state_ = State::kFinished;
    return {};
  }
  const char* detail = "less body than announced";
  if (state_ == State::kHead) {
    detail = end_ > begin_ ? "closed within the response's head" : "closed before a response";
  }
  return {ErrorCode::kUpstreamReset, base::Side::kUpstream, base::Retry::kNever, detail};
}

const http::HeaderMap* H1ResponseReader::trailers() const noexcept {
  return trailers_ != nullptr && trailers_->size() > 0 ? trailers_ : nullptr;
}

void H1ResponseReader::Reset() noexcept {
  state_ = State::kIdle;
  excess_ = flowing_ = false;
  trailers_ = nullptr;
  connection_ = nullptr;
  scanner_.Reset();
  head_.reset();
  slab_.reset();
  begin_ = end_ = 0;
  raw_.Clear();
  ready_.Clear();
  // An idle connection keeps the room for a small message's slices, no more.
  if (raw_.storage() > base::kGatherMax) raw_ = base::Chain();
  if (ready_.storage() > base::kGatherMax) ready_ = base::Chain();
  error_ = {};
}

}  // namespace headgate::proxy
