#include "http/h2/frame_watch.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>

#include "http/h2/limits.h"

namespace headgate::http::h2 {

uint32_t FrameWatch::length() const noexcept {
  return static_cast<uint32_t>(read_[0]) << 16 | static_cast<uint32_t>(read_[1]) << 8 | read_[2];
}
uint8_t FrameWatch::type() const noexcept { return read_[3]; }
uint8_t FrameWatch::flags() const noexcept { return read_[4]; }

// How many of the frame's first bytes have to be known to judge it.
size_t FrameWatch::Needed() const noexcept {
  if (read_size_ < kHeaderBytes) return kHeaderBytes;
  if (type() == NGHTTP2_WINDOW_UPDATE && length() == 4) return kNeededMax;
  const bool may_be_padded = type() == NGHTTP2_DATA || type() == NGHTTP2_HEADERS;
  if (may_be_padded && (flags() & NGHTTP2_FLAG_PADDED) != 0 && length() > 0) return kHeaderBytes + 1;
  return kHeaderBytes;
}

uint32_t FrameWatch::id() const noexcept {
  uint32_t id = 0;
  for (size_t i = 5; i < kHeaderBytes; ++i) id = id << 8 | read_[i];
  return id & 0x7fffffffu;
}

std::optional<FrameWatch::Finding> FrameWatch::Scan(std::span<char> bytes, AbuseGuard& guard,
                                                    base::Instant now) noexcept {
  size_t at = 0;
  while (true) {
    const size_t skipped = std::min(left_, bytes.size() - at);
    if (!Skip(bytes.subspan(at, skipped))) return Finding{at, Abuse::kContinuation, H2Error::kEnhanceYourCalm};
    at += skipped;
    if (at == bytes.size()) return std::nullopt;
    const size_t taken = std::min(Needed() - read_size_, bytes.size() - at);
    std::memcpy(read_ + read_size_, bytes.data() + at, taken);
    read_size_ += taken;
    at += taken;
    if (read_size_ < Needed()) continue;
    const size_t good = at - std::min(at, read_size_);
    const H2Error error = Fault();
    if (error != H2Error::kNoError) return Finding{good, std::nullopt, error};
    const std::optional<Abuse> abuse = Judge();
    if (abuse.has_value() && !guard.Allow(*abuse, now)) return Finding{good, abuse, H2Error::kEnhanceYourCalm};
    if (type() == NGHTTP2_HEADERS) guard.Forgive(Abuse::kPriority, kPrioritiesPerRequest);
    BeginPayload();
  }
}

// The payload behind what was read of it (RFC 9113 6.2). Padding or a priority that does not fit is nghttp2's to judge.
void FrameWatch::BeginPayload() noexcept {
  const size_t read = read_size_ - kHeaderBytes;
  read_size_ = 0;
  left_ = length() - read;
  if (!is_block_) return;
  const bool headers = type() == NGHTTP2_HEADERS;
  if (headers) hpack_.BeginBlock();
  before_block_ = headers && (flags() & NGHTTP2_FLAG_PRIORITY) != 0 ? kPriorityBytes : 0;
  const size_t padding = read > 0 ? read_[kHeaderBytes] : 0;
  block_bytes_ = left_ - std::min(left_, before_block_ + padding);
}

// False: there is a string in a header block that no head may have.
bool FrameWatch::Skip(std::span<char> bytes) noexcept {
  left_ -= bytes.size();
  if (!is_block_) return true;
  const size_t before = std::min(before_block_, bytes.size());
  before_block_ -= before;
  const size_t block = std::min(block_bytes_, bytes.size() - before);
  block_bytes_ -= block;
  return hpack_.Pass(bytes.subspan(before, block));
}

// Mistakes of a client that end the connection (RFC 9113 5.1, 6.3).
H2Error FrameWatch::Fault() noexcept {
  if (!of_client_ || block_open_) return H2Error::kNoError;
  const bool end_stream = (flags() & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (type()) {
    case NGHTTP2_HEADERS:
      return streams_.OnHeaders(id(), end_stream);
    case NGHTTP2_DATA:
      return streams_.OnData(id(), end_stream);
    case NGHTTP2_RST_STREAM:
      streams_.OnReset(id());
      return H2Error::kNoError;
    case NGHTTP2_PRIORITY:
      return id() == 0 ? H2Error::kProtocolError : H2Error::kNoError;
    default:
      return H2Error::kNoError;
  }
}

std::optional<Abuse> FrameWatch::Judge() noexcept {
  is_block_ = type() == NGHTTP2_HEADERS || type() == NGHTTP2_CONTINUATION;
  if (is_block_) block_open_ = (flags() & NGHTTP2_FLAG_END_HEADERS) == 0;
  switch (type()) {
    case NGHTTP2_DATA:
      return JudgeData();
    case NGHTTP2_HEADERS:
      continuations_ = 0;
      return length() == 0 ? std::optional(Abuse::kEmptyFrames) : std::nullopt;
    case NGHTTP2_CONTINUATION:
      return JudgeContinuation();
    case NGHTTP2_RST_STREAM:  // the session knows what was reset
    case NGHTTP2_PUSH_PROMISE:
      return std::nullopt;
    case NGHTTP2_SETTINGS:
      return (flags() & NGHTTP2_FLAG_ACK) == 0 ? std::optional(Abuse::kSettings) : std::nullopt;
    case NGHTTP2_GOAWAY:
      return Abuse::kSettings;
    case NGHTTP2_PING:
      return Abuse::kPings;
    case NGHTTP2_WINDOW_UPDATE:
      return is_small_window_update() ? std::optional(Abuse::kSmallWindowUpdates) : std::nullopt;
    default:  // PRIORITY, PRIORITY_UPDATE, and what we ignore like them
      return Abuse::kPriority;
  }
}

std::optional<Abuse> FrameWatch::JudgeData() const noexcept {
  if ((flags() & NGHTTP2_FLAG_END_STREAM) != 0) return std::nullopt;
  uint32_t data = length();
  if (read_size_ > kHeaderBytes) data -= std::min<uint32_t>(data, 1u + read_[kHeaderBytes]);
  if (data == 0) return Abuse::kEmptyFrames;
  return of_client_ && data < kSmallDataBytes ? std::optional(Abuse::kSmallData) : std::nullopt;
}

std::optional<Abuse> FrameWatch::JudgeContinuation() noexcept {
  if (++continuations_ > kContinuationFramesMax) return Abuse::kContinuation;
  return length() == 0 ? std::optional(Abuse::kEmptyFrames) : std::nullopt;
}

bool FrameWatch::is_small_window_update() const noexcept {
  if (read_size_ < kNeededMax) return false;
  uint32_t increment = 0;
  for (size_t i = kHeaderBytes; i < kNeededMax; ++i) increment = increment << 8 | read_[i];
  return (increment & 0x7fffffffu) < kSmallWindowUpdateBytes;
}

}  // namespace headgate::http::h2
