// What one turn of a client's HTTP/2 connection does: read, let the streams act, write once.
#include <algorithm>

#include "base/limits.h"
#include "proxy/downstream/downstream_h2_connection.h"

namespace headgate::proxy {

using net::IoStatus;

namespace {

// Rounds of news and output in one turn: an answer of our own takes two.
constexpr size_t kRoundsPerTurn = 4;

}  // namespace

void DownstreamH2Connection::OnTransportReady() {
  if (state_ == State::kClosed) return;
  if (state_ == State::kLinger) return Linger();
  running_ = true;
  Turn();
  running_ = false;
}

void DownstreamH2Connection::Turn() {
  if (!out_.empty()) Write();
  if (!Receive()) return Close(false);
  bool more = true;
  for (size_t round = 0; more; ++round) {
    if (round == kRoundsPerTurn) {
      transport_->RequestTurn();
      break;
    }
    TakeNews();
    Produce();
    more = session_.has_news() || !ready_.empty();
  }
  if (!out_.empty()) Write();
  if (write_failed_) return Close(false);
  TrimSpare();
  const bool leaving = state_ == State::kLeaving || session_.goaway_received();
  const bool ending = session_over_ || (leaving && open_streams_ == 0);
  if (ending && out_.empty() && !session_.wants_write()) BeginLinger();
}

// False: the client is gone.
bool DownstreamH2Connection::Receive() {
  for (size_t reads = 0; !session_over_; ++reads) {
    // What cannot be answered is not read: the client waits as its own output does.
    if (session_.congested() || out_.size() >= http::h2::kOutputBytesMax) return true;
    if (in_unread_ == 0) {
      if (reads == base::kReadsPerTurn) {
        transport_->RequestTurn();
        return true;
      }
      const net::IoResult result = ReadOnce();
      if (result.status == IoStatus::kBlocked) {
        if (in_ && in_->unique()) in_.reset();
        return true;
      }
      if (result.status != IoStatus::kOk) return false;
    }
    const std::string_view bytes(in_->data() + in_used_, in_unread_);
    in_used_ += std::exchange(in_unread_, 0);
    if (!session_.Feed(in_, bytes)) EndSession();
  }
  return true;
}

net::IoResult DownstreamH2Connection::ReadOnce() {
  if (in_ && in_->unique()) in_used_ = 0;
  if (!in_ || in_->size() - in_used_ < base::kReadRoomMin) {
    in_ = worker().slabs.Take();
    in_used_ = 0;
  }
  const net::IoResult result = transport_->Read({in_->data() + in_used_, in_->size() - in_used_});
  in_unread_ = result.bytes;
  bytes_read_ += result.bytes;
  return result;
}

void DownstreamH2Connection::TakeNews() {
  while (http::h2::Stream* stream = session_.Next()) static_cast<DownstreamH2Stream*>(stream)->TakeNews();
  while (DownstreamH2Stream* stream = ready_.PopFront()) stream->Deliver();
  while (!starved_.empty() && !HoldsTooMuch()) starved_.PopFront()->Feed();
  CountRefused();
}

void DownstreamH2Connection::CountRefused() {
  const uint64_t refused = session_.refused_streams();
  if (refused == refused_) return;
  worker().shard.Add(worker().series.requests_rejected[metrics::Index(metrics::RejectReason::kH2StreamsRefused)],
                     refused - refused_);
  refused_ = refused;
}

// Frames of many streams leave in one write (docs/architecture.md).
void DownstreamH2Connection::Produce() {
  while (out_.size() < http::h2::kOutputBytesMax && session_.wants_write()) {
    const size_t before = out_.size();
    session_.Produce(out_, http::h2::kOutputBytesMax - before);
    if (out_.size() == before) return;
  }
}

void DownstreamH2Connection::Write() {
  const size_t before = out_.size();
  const net::IoResult result = transport_->Write(out_);
  if (before != out_.size()) read_clock_.Progress(worker().now, before - out_.size());
  if (result.status == IoStatus::kFailed || result.status == IoStatus::kEof) {
    write_failed_ = true;
    out_.Clear();
  }
  if (out_.empty()) {
    read_clock_.Stop(worker().now);
    if (session_.wants_write() && !write_failed_) transport_->RequestTurn();
  } else if (!read_clock_.running()) {
    read_clock_.Start(worker().now);
    ArmTimer();
  }
}

}  // namespace headgate::proxy
