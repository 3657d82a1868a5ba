// An open connection's turn: read what is there, tell the streams, write what they made.
#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "proxy/upstream/upstream_h2_connection.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;
using net::IoStatus;

namespace {

// Gathered writes of one turn; then it is the others' turn.
constexpr size_t kWritesPerTurn = 4;

Error Reset(const char* detail) noexcept { return {ErrorCode::kUpstreamReset, Side::kUpstream, Retry::kNever, detail}; }

}  // namespace

void UpstreamH2Connection::OnReady(uint32_t) { Turn(); }

void UpstreamH2Connection::Turn() {
  in_turn_ = true;
  if (alive()) {
    TakeTurn();
  } else if (state_ == State::kLost) {
    TellStreams();
  }
  in_turn_ = false;
}

void UpstreamH2Connection::TakeTurn() {
  Receive();
  TellStreams();
  if (!alive()) return;
  if (failure_.code != ErrorCode::kNone) return Fail();
  const bool congested = session_->congested();
  Write();
  TellStreams();
  if (!alive()) return;
  if (session_->ended()) {
    failure_ = Broken();
    return Fail();
  }
  if (congested && !session_->congested()) RequestTurn();
  TakeBreath();
}

void UpstreamH2Connection::Receive() {
  bool more = true;
  for (size_t reads = 0; more && transport_.maybe_readable() && !session_->congested(); ++reads) {
    if (reads == base::kReadsPerTurn) return RequestTurn();
    if (!ReadOnce(more)) return;
  }
  // The peer may have answered before it stopped reading: what it said was read first.
  if (write_failed_) failure_ = Reset("reset while requests were sent");
}

// Reads once. `more`: it may be worth to read again. False: the connection has failed.
bool UpstreamH2Connection::ReadOnce(bool& more) {
  net::IoResult result;
  if (flowing_) {
    result = transport_.ReadChain(worker_.slabs, input_, base::kStreamBufferBytes);
    flowing_ = result.bytes >= base::kSlabBytes;
    bool fed = true;
    for (size_t i = 0; fed && i < input_.slices(); ++i) fed = Feed(input_[i].owner(), input_[i].view());
    input_.Clear();
    if (!fed) return false;
  } else {
    if (!slab_ || slab_->size() - slab_used_ < base::kReadRoomMin) {
      slab_ = worker_.slabs.Take();
      slab_used_ = 0;
    }
    const size_t room = slab_->size() - slab_used_;
    char* at = slab_->data() + slab_used_;
    result = transport_.Read({at, room});
    flowing_ = result.bytes == room;
    slab_used_ += result.bytes;
    if (!Feed(slab_, {at, result.bytes})) return false;
  }
  more = result.status == IoStatus::kOk;
  if (result.status == IoStatus::kEof) failure_ = Reset("the upstream closed the connection");
  if (result.status == IoStatus::kFailed) {
    const std::string_view tls = transport_.is_tls() ? transport_.tls_error() : std::string_view();
    failure_ = Reset(tls.empty() ? "the upstream reset the connection" : tls.data());
  }
  return failure_.code == ErrorCode::kNone;
}

bool UpstreamH2Connection::Feed(const base::SlabRef& owner, std::string_view bytes) {
  if (bytes.empty()) return true;
  quiet_since_ = worker_.now;
  pinging_ = false;
  const bool http1 = !settled_ && bytes.starts_with("HTTP/1.");
  if (session_->Feed(owner, bytes)) return true;
  failure_ = Broken();
  if (http1) failure_.detail = "the upstream answered in HTTP/1: it does not speak HTTP/2";
  return false;
}

// Why the session has ended.
Error UpstreamH2Connection::Broken() const noexcept {
  const char* detail = session_->ended_for_abuse() ? "the upstream floods the connection" : session_->fault();
  return {ErrorCode::kUpstreamProtocol, Side::kUpstream, Retry::kNever, detail};
}

void UpstreamH2Connection::TakeConnectionNews() {
  if (session_->settings_received() && (!settled_ || streams_allowed_ != session_->peer_streams_max())) {
    room_news_ = true;
    streams_allowed_ = session_->peer_streams_max();
    endpoint_->NoteStreams(session_->peer_streams_max());
  }
  if (!settled_ && session_->settings_received()) {
    settled_ = true;
    settings_deadline_ = base::Instant::max();
    leased_.ForEach([this](UpstreamH2Stream& stream) {
      if (stream.held()) ready_.PushBack(stream);
    });
  }
  if (session_->goaway_received()) Drain();
}

// Streams may end, and others begin, within each event.
void UpstreamH2Connection::TellStreams() {
  if (alive()) TakeConnectionNews();
  while (state_ != State::kClosed) {
    if (http::h2::Stream* next = session_->Next()) {
      static_cast<UpstreamH2Stream*>(next)->OnNews();
    } else if (UpstreamH2Stream* ready = ready_.PopFront()) {
      ready->Digest();
    } else {
      break;
    }
  }
  if (!alive()) return;
  if (session_->goaway_received() && !std::exchange(told_draining_, true)) owner_.OnDraining(*this);
  if (alive() && std::exchange(room_news_, false)) owner_.OnRoom(*this);
}

void UpstreamH2Connection::Write() noexcept {
  for (size_t writes = 0; !write_failed_; ++writes) {
    if (session_->wants_write() && output_.size() < http::h2::kOutputBytesMax) {
      session_->Produce(output_, http::h2::kOutputBytesMax - output_.size());
    }
    if (output_.empty()) return;
    if (writes == kWritesPerTurn) return RequestTurn();
    const net::IoResult result = transport_.Write(output_);
    if (result.bytes > 0) {
      while (UpstreamH2Stream* sent = unsent_.PopFront()) sent->MarkSent();
    }
    write_failed_ = result.status == IoStatus::kFailed;
    if (result.status == IoStatus::kBlocked) return;
  }
  output_.Clear();
  RequestTurn();
}

// Everything that was read has been told. Who has its whole response goes on at its own pace, the others have failed.
void UpstreamH2Connection::Fail() {
  state_ = State::kLost;
  // GOAWAY with its reason, if the socket takes it.
  if (session_->wants_write() && output_.size() < http::h2::kOutputBytesMax) {
    session_->Produce(output_, http::h2::kOutputBytesMax);
  }
  if (!write_failed_) transport_.Write(output_);
  output_.Clear();
  transport_.Close();
  timer_.Disarm();
  while (UpstreamH2Stream* stream = parting_.front()) Free(*stream);
  base::IntrusiveList<UpstreamH2Stream, StreamTag> doomed;
  leased_.ForEach([&doomed](UpstreamH2Stream& stream) {
    if (!stream.whole()) doomed.PushBack(stream);
  });
  const Error failure = failure_;
  owner_.OnLost(*this);
  while (UpstreamH2Stream* stream = doomed.front()) {
    leased_.PushBack(*stream);
    stream->Lose(failure);
  }
}

void UpstreamH2Connection::OnTimer() {
  const base::Instant now = worker_.now;
  if (settings_deadline_ <= now) {
    failure_ = {ErrorCode::kConnectTimeout, Side::kUpstream, Retry::kNever, "no SETTINGS within connectTimeout"};
    return Fail();
  }
  if (pinging_ && ping_deadline_ <= now) {
    failure_ = Reset("no answer to a PING");
    return Fail();
  }
  if (!pinging_ && leased_count_ > 0 && NextPing() <= now) {
    pinging_ = true;
    ping_deadline_ = now + kPingTimeout;
    ping_from_ = now + kPingAgain;
    session_->SubmitPing();
    RequestTurn();
  }
  ArmTimer();
}

base::Instant UpstreamH2Connection::NextPing() const noexcept { return std::max(quiet_since_ + kQuietMax, ping_from_); }

// Part of a response came.
void UpstreamH2Connection::NoteResponse() noexcept {
  if (ping_from_ == base::Instant{}) return;
  ping_from_ = {};
  ArmTimer();
}

// An armed timer is only moved forward: one that fires early looks again.
void UpstreamH2Connection::ArmTimer() noexcept {
  base::Instant next = settings_deadline_;
  if (pinging_) {
    next = std::min(next, ping_deadline_);
  } else if (leased_count_ > 0) {
    next = std::min(next, NextPing());
  }
  if (next == base::Instant::max() || (timer_.armed() && timer_.deadline() <= next)) return;
  worker_.timers.Arm(timer_, next);
}

}  // namespace headgate::proxy
