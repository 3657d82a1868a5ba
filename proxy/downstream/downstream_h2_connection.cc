#include "proxy/downstream/downstream_h2_connection.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "proxy/reply/outcome.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;
using http::h2::H2Error;
using metrics::ConnectionState;
using metrics::RejectReason;

namespace {

// Between the two GOAWAYs of a drain: a round trip of what the client had already sent (RFC 9113 6.8).
constexpr base::Duration kNoticeFor = std::chrono::seconds(1);
// Free streams that a connection without requests keeps.
constexpr size_t kSpareStreams = 8;

http::h2::SessionConfig ConfigOf(const Listener& listener) {
  const routing::LimitsPolicy& limits = listener.policy().limits;
  return {.role = http::h2::Role::kServer,
          .scheme = listener.policy().tls ? http::Scheme::kHttps : http::Scheme::kHttp,
          .head = {.head_bytes = limits.request_head_bytes,
                   .field_bytes = limits.field_bytes,
                   .fields = limits.fields,
                   .target_bytes = limits.target_bytes},
          .streams_max = limits.h2_streams,
          .stream_window = limits.h2_window_bytes,
          .held_bytes_max = limits.h2_connection_bytes};
}

Error ClientClosed(const char* detail) noexcept {
  return {ErrorCode::kClientClosed, Side::kClient, Retry::kNever, detail};
}

}  // namespace

DownstreamH2Connection::DownstreamH2Connection(Listener& listener, AcceptedConnection accepted)
    : listener_(listener),
      client_(accepted),
      transport_(std::move(accepted.transport)),
      streams_max_(listener.policy().limits.h2_streams),
      gauge_(std::in_place, listener, ConnectionState::kIdle),
      session_(ConfigOf(listener), this, listener.services().worker.slabs, listener.services().worker.blocks,
               listener.services().worker.now),
      timer_([](void* self) { static_cast<DownstreamH2Connection*>(self)->OnTimer(); }, this),
      read_clock_(base::Duration{0}, listener.policy().limits.read_bytes_per_second),
      in_(std::move(accepted.input)),
      in_unread_(accepted.input_bytes) {}

DownstreamH2Connection::~DownstreamH2Connection() = default;

// The connection owns itself from here on; Close gives it to the graveyard.
void DownstreamH2Connection::Start(Listener& listener, AcceptedConnection accepted) {
  auto* connection = new DownstreamH2Connection(listener, std::move(accepted));
  connection->transport_->SetOwner(*connection);
  listener.Added(*connection);
  listener.services().worker.shard.Add(
      listener.series().accepted_protocols[metrics::Index(metrics::ConnectionProtocol::kH2)]);
  connection->UpdateIdle();
  if (listener.closing()) connection->SendNotice();
  connection->transport_->RequestTurn();
}

void DownstreamH2Connection::WakeUp() {
  if (!running_ && state_ != State::kClosed) transport_->RequestTurn();
}

// A place for a request; refused when the connection has as many as it may: a stream counts until its exchange is done.
http::h2::Stream* DownstreamH2Connection::NewStream(int32_t /*id*/) {
  if (open_streams_ >= streams_max_ || state_ == State::kLinger || !listener_.serves()) return nullptr;
  if (spare_.empty()) {
    streams_.push_back(std::make_unique<DownstreamH2Stream>(*this));
    spare_.push_back(streams_.back().get());
  }
  DownstreamH2Stream& stream = *spare_.back();
  spare_.pop_back();
  open_.PushBack(stream);
  ++open_streams_;
  listener_.CountStreams(1);
  stream.Open(*services().pool.Take(services()));
  if (listener_.draining()) SendNotice();
  UpdateIdle();
  return &stream;
}

void DownstreamH2Connection::StreamFreed(DownstreamH2Stream& stream) {
  spare_.push_back(&stream);
  --open_streams_;
  listener_.CountStreams(-1);
  UpdateIdle();
}

void DownstreamH2Connection::UpdateIdle() {
  if (state_ == State::kClosed) return;
  gauge_->Set(open_streams_ == 0 ? ConnectionState::kIdle : ConnectionState::kActive);
  if (state_ == State::kOpen)
    SetDeadline(open_streams_ == 0 ? worker().now + limits().keep_alive : base::Instant::max());
}

void DownstreamH2Connection::TrimSpare() {
  if (open_streams_ > 0 || streams_.size() <= kSpareStreams) return;
  streams_.resize(kSpareStreams);
  spare_.clear();
  for (const auto& stream : streams_) spare_.push_back(stream.get());
}

// The client opens no new streams here once it has read this; what is on its way is still taken (RFC 9113 6.8).
void DownstreamH2Connection::SendNotice() {
  if (state_ != State::kOpen) return;
  state_ = State::kNoticed;
  session_.SubmitShutdownNotice();
  SetDeadline(worker().now + kNoticeFor);
  WakeUp();
}

void DownstreamH2Connection::Leave(H2Error reason) {
  if (state_ == State::kLeaving || state_ == State::kLinger) return;
  state_ = State::kLeaving;
  session_.SubmitFinalGoaway(reason);
  SetDeadline(base::Instant::max());
  WakeUp();
}

// Broken rules or abuse: the session has a GOAWAY to send, and nothing is read any more.
void DownstreamH2Connection::EndSession() {
  if (session_over_) return;
  session_over_ = true;
  if (!session_.ended_for_abuse()) return;
  worker().shard.Add(worker().series.requests_rejected[metrics::Index(RejectReasonOf(session_.abuse()))]);
}

void DownstreamH2Connection::HeadIsLate() {
  worker().shard.Add(worker().series.requests_rejected[metrics::Index(RejectReason::kSlowClient)]);
  session_over_ = true;
  Leave(H2Error::kEnhanceYourCalm);
  WakeUp();  // also of one that was leaving already
}

void DownstreamH2Connection::CountStalled() {
  worker().shard.Add(worker().series.requests_rejected[metrics::Index(RejectReason::kH2StalledStream)]);
}

void DownstreamH2Connection::SetDeadline(base::Instant deadline) {
  deadline_ = deadline;
  ArmTimer();
}

void DownstreamH2Connection::ArmTimer() {
  const base::Instant next = std::min(deadline_, read_clock_.Deadline());
  if (next != base::Instant::max()) worker().timers.Arm(timer_, next);
}

void DownstreamH2Connection::OnTimer() {
  if (worker().now >= deadline_) {
    deadline_ = base::Instant::max();
    switch (state_) {
      case State::kOpen:
      case State::kNoticed:
        Leave(H2Error::kNoError);
        break;
      case State::kLeaving:
      case State::kLinger:
        return Close(false);
      case State::kClosed:
        return;
    }
  }
  if (read_clock_.Expired(worker().now)) return Close(true);
  ArmTimer();
}

// Closing with unread bytes in the socket would reset what the client has not read yet.
void DownstreamH2Connection::BeginLinger() {
  state_ = State::kLinger;
  LoseStreams(ClientClosed("the connection was ended"));
  transport_->ShutdownWrite();
  in_.reset();
  SetDeadline(worker().now + base::kLingerTimeMax);
  Linger();
}

void DownstreamH2Connection::Linger() {
  base::SlabRef scratch = worker().slabs.Take();
  for (size_t reads = 0; reads < base::kReadsPerTurn; ++reads) {
    const net::IoResult result = transport_->Read({scratch->data(), scratch->size()});
    if (result.status == net::IoStatus::kBlocked) return;
    if (result.status != net::IoStatus::kOk) return Close(false);
  }
  transport_->RequestTurn();
}

void DownstreamH2Connection::LoseStreams(const Error& error) {
  while (DownstreamH2Stream* stream = open_.front()) stream->Drop(error);
}

void DownstreamH2Connection::CloseNow() {
  LoseStreams({ErrorCode::kDraining, Side::kProxy, Retry::kNever, "the process is going away"});
  Close(true);
}

void DownstreamH2Connection::Close(bool reset) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  timer_.Disarm();
  transport_->Close(reset);
  LoseStreams(ClientClosed("the client closed the connection"));
  gauge_.reset();
  in_.reset();
  out_.Clear();
  static_cast<ListenerConnection*>(this)->Unlink();
  listener_.Removed();
  worker().graveyard.Bury(std::unique_ptr<net::Mortal>(this));
}

}  // namespace headgate::proxy
