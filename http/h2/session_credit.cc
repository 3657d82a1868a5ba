#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>

#include "http/h2/session.h"

namespace headgate::http::h2 {

void Session::Hold(Stream& stream, std::string_view data) {
  held_ += data.size();
  withheld_ += data.size();
  CreditConnection();
  if (data.size() >= kCopyBelowBytes) return stream.in_.Append(base::Slice(*input_, data.data(), data.size()));
  if (!copies_ || copies_->size() - copies_used_ < data.size()) {
    copies_ = slabs_.Take();
    copies_used_ = 0;
  }
  char* copy = copies_->data() + copies_used_;
  std::memcpy(copy, data.data(), data.size());
  copies_used_ += data.size();
  stream.in_.Append(base::Slice(copies_, copy, data.size()));
}

// These bytes are not ours any more.
void Session::Release(size_t bytes) noexcept {
  held_ -= bytes;
  if (held_ == 0) copies_.reset();
  CreditConnection();
}

// Connection credit returns on arrival, stream credit on departure: one slow stream must not stop its siblings (RFC
// 9113 5.2). But what is held for a client and what may still come must not exceed its connection's share of memory. An
// upstream's connection carries many clients' streams, who must not wait for each other: there the streams' windows are
// the limit (GrowWindow).
void Session::CreditConnection() noexcept {
  const size_t in_sight = held_ + window_;
  const bool limited = config_.role == Role::kServer && in_sight > config_.held_bytes_max;
  const size_t keep_back = limited ? in_sight - config_.held_bytes_max : 0;
  if (withheld_ <= keep_back) return;
  const size_t credit = withheld_ - keep_back;
  withheld_ = keep_back;
  if (!ended_) nghttp2_session_consume_connection(session_, credit);
}

bool Session::peer_is_out_of_credit() const noexcept { return nghttp2_session_get_local_window_size(session_) <= 0; }

size_t Session::CreditGiven(const Stream& stream) const noexcept {
  const int32_t left = nghttp2_session_get_stream_local_window_size(session_, stream.id());
  return left > 0 ? static_cast<size_t>(left) : 0;
}

bool Session::HasCredit(const Stream& stream) const noexcept {
  return nghttp2_session_get_stream_remote_window_size(session_, stream.id()) > 0;
}

void Session::TakeBody(Stream& stream, base::Chain& to, size_t bytes) {
  const size_t taken = std::min(bytes, stream.in_.size());
  stream.in_.MoveTo(to, taken);
  if (stream.session_ != this || taken == 0) return;
  Release(taken);
  if (!stream.closed_) return CreditStream(stream, taken);
  if (!stream.in_.empty()) return;
  stream.link_.Unlink();
  stream.session_ = nullptr;
}

void Session::DiscardBody(Stream& stream) {
  stream.discard_ = true;
  reader_.StopKeepingTrailers(stream);
  const size_t dropped = stream.in_.size();
  stream.in_.Clear();
  if (stream.session_ != this || dropped == 0) return;
  Release(dropped);
  if (!stream.closed_) {
    nghttp2_session_consume_stream(session_, stream.id_, dropped);
  } else {
    stream.link_.Unlink();
    stream.session_ = nullptr;
  }
}

void Session::CreditStream(Stream& stream, size_t bytes) {
  if (stream.remote_ended_ || ended_) return;
  nghttp2_session_consume_stream(session_, stream.id_, bytes);
  GrowWindow(stream, bytes);
}

// A stream whose bytes leave as fast as they come is slowed down by the way to the peer alone: a larger window helps.
void Session::GrowWindow(Stream& stream, size_t taken) {
  stream.flowed_ += taken;
  if (stream.flowed_ < stream.window_) return;
  stream.flowed_ = 0;
  const bool keeps_up = stream.in_.empty() && held_ < config_.held_bytes_max / 4;
  const uint32_t wider = std::min(stream.window_ * 2, kStreamWindowBytesMax);
  const uint32_t more = wider - std::min(wider, stream.window_);
  if (!keeps_up || more == 0 || windows_ + more > config_.held_bytes_max) return;
  windows_ += more;
  stream.window_ = wider;
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, stream.id_, static_cast<int32_t>(stream.window_));
}

}  // namespace headgate::http::h2
