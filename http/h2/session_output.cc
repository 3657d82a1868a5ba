#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "http/h2/session.h"

namespace headgate::http::h2 {

void Session::Produce(base::Chain& to, size_t bytes_max) {
  const size_t end = to.size() + bytes_max;
  pending_.MoveTo(to, bytes_max);
  if (pending_.empty()) Run(to, end);
  if (pending_.empty()) frames_.reset();
  if (ended_) CloseAll(end_code_);
}

bool Session::wants_write() const noexcept { return !pending_.empty() || nghttp2_session_want_write(session_) != 0; }

// Frames without a body leave nghttp2 as soon as what they answer was read: its queue stays short, a connection that
// it ends is known to be ended, and a PING is not answered behind DATA.
void Session::FlushControl() {
  if (nghttp2_session_get_outbound_queue_size(session_) == 0) return;
  control_only_ = true;
  Run(pending_, std::numeric_limits<size_t>::max());
  control_only_ = false;
}

void Session::Run(base::Chain& to, size_t size_max) {
  output_ = &to;
  output_max_ = size_max;
  while (to.size() < size_max) {
    const uint8_t* frame = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &frame);
    if (size < 0) End(H2Error::kInternalError, nghttp2_strerror(static_cast<int>(size)));
    if (size <= 0) break;
    const std::string_view bytes(reinterpret_cast<const char*>(frame), static_cast<size_t>(size));
    if (IsFirstSettings(bytes)) {
      EmitFirstSettings(bytes);
    } else {
      Emit(bytes);
    }
  }
  output_ = nullptr;
}

void Session::Emit(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!frames_ || frames_used_ == frames_->size()) {
      frames_ = slabs_.Take();
      frames_used_ = 0;
    }
    const size_t size = std::min(bytes.size(), frames_->size() - frames_used_);
    char* copy = frames_->data() + frames_used_;
    std::memcpy(copy, bytes.data(), size);
    frames_used_ += size;
    output_->Append(base::Slice(frames_, copy, size));
    bytes.remove_prefix(size);
  }
}

// Moves the payload of a DATA frame whose header was just emitted.
void Session::EmitBody(Stream& stream, size_t size) {
  while (size > 0) {
    const base::Slice& slice = stream.out_.front();
    const size_t piece = std::min(size, slice.size());
    if (slice.owner()) {
      output_->Append(base::Slice(slice.owner(), slice.data(), piece));
    } else {
      Emit(slice.view().substr(0, piece));
    }
    stream.out_.Consume(piece);
    size -= piece;
    stream.news_.sent = true;
    Tell(stream);
  }
}

bool Session::IsFirstSettings(std::string_view frame) const noexcept {
  constexpr size_t kTypeAt = 3;
  return !settings_sent_ && config_.role == Role::kServer && frame[kTypeAt] == NGHTTP2_SETTINGS;
}

// Writes the limit of streams that nghttp2 was not told of: the value of the last entry (SubmitServerSettings).
void Session::EmitFirstSettings(std::string_view frame) {
  settings_sent_ = true;
  std::array<char, 64> copy;
  const size_t size = std::min(frame.size(), copy.size());
  std::memcpy(copy.data(), frame.data(), size);
  for (size_t i = 1; i <= 4; ++i) copy[size - i] = static_cast<char>(config_.streams_max >> (8 * (i - 1)));
  Emit({copy.data(), size});
}

// `small`: it is small because we had no more to send, or because the peer's window let no more through, who then gets
// no forgiveness for opening it a byte at a time (CVE-2019-9511).
void Session::OnMessageFrameSent(int32_t id, bool end_stream, bool small) {
  Stream* stream = Find(id);
  if (!small || stream == nullptr || stream->out_.empty()) {
    guard_.Forgive(Abuse::kPings, kForgivenPerFrame);
    guard_.Forgive(Abuse::kSmallWindowUpdates, kForgivenPerFrame);
  }
  if (stream == nullptr || !end_stream) return;
  stream->local_ended_ = true;
  stream->news_.sent = true;
  Tell(*stream);
  if (stream->reset_after_end_ && !stream->remote_ended_) SubmitReset(*stream, H2Error::kNoError);
}

// Resets that neither the owner nor FailMessage asked for are nghttp2's answers to the peer's errors.
void Session::OnResetSent(int32_t id, H2Error code) {
  Stream* stream = Find(id);
  if (stream == nullptr || stream->reset_by_us_ || code == H2Error::kNoError) return;
  CountProvokedReset();
}

void Session::OnGoawaySent(H2Error code) {
  if (ended_ || goaway_submitted_ || code == H2Error::kNoError) return;
  ended_ = true;
  end_code_ = code;
  fault_ = nghttp2_http2_strerror(static_cast<uint32_t>(code));
}

// `reset`: RST_STREAM, which nghttp2 leaves out when the connection ends; else a head that it could not write.
void Session::OnNotSent(int32_t id, bool reset) {
  Stream* stream = Find(id);
  if (stream == nullptr) return;
  if (reset) return Close(*stream, stream->reset_code_);
  if (!stream->reset_by_us_) SubmitReset(*stream, H2Error::kInternalError);
}

}  // namespace headgate::http::h2
