#include "proxy/downstream/downstream_h1_connection.h"

#include <sys/ioctl.h>

#include <algorithm>

#include "base/limits.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;
using metrics::ConnectionState;
using net::IoStatus;

namespace {

// A FIN that comes with what the client asks is a client that only ends its own side (RFC 9112 9.6 allows that), a
// later one is a client that left: docs/adr/0007-half-close.md.
constexpr base::Duration kHalfCloseWithin = std::chrono::milliseconds(50);

bool BytesWait(int descriptor) noexcept {
  int bytes = 0;
  return ::ioctl(descriptor, FIONREAD, &bytes) == 0 && bytes > 0;
}

}  // namespace

DownstreamH1Connection::DownstreamH1Connection(Listener& listener, AcceptedConnection accepted)
    : listener_(listener),
      client_(accepted),
      transport_(std::move(accepted.transport)),
      gauge_(std::in_place, listener, ConnectionState::kIdle),
      timer_([](void* self) { static_cast<DownstreamH1Connection*>(self)->OnTimer(); }, this),
      clocks_(listener.policy().limits),
      in_(std::move(accepted.input)),
      end_(accepted.input_bytes),
      first_byte_(accepted.accepted),
      last_input_(listener.services().worker.now) {}

DownstreamH1Connection::~DownstreamH1Connection() = default;

// The connection owns itself from here on; Close gives it to the graveyard.
void DownstreamH1Connection::Start(Listener& listener, AcceptedConnection accepted) {
  auto* connection = new DownstreamH1Connection(listener, std::move(accepted));
  connection->transport_->SetOwner(*connection);
  listener.Added(*connection);
  listener.services().worker.shard.Add(
      listener.series().accepted_protocols[metrics::Index(metrics::ConnectionProtocol::kHttp1)]);
  connection->EnterIdle();
  if (connection->buffered() > 0 || connection->transport_->maybe_readable()) connection->transport_->RequestTurn();
}

// Keeps the gauge: a connection with a request is active.
void DownstreamH1Connection::SetState(State state) {
  state_ = state;
  gauge_->Set(state == State::kIdle ? ConnectionState::kIdle : ConnectionState::kActive);
}

void DownstreamH1Connection::OnTransportReady() {
  if (state_ == State::kClosed) return;
  running_ = true;
  if (!out_.empty()) Flush();
  NoticeHangup();
  Run();
  NoticeHangup();  // of what came with the request that Run took
  running_ = false;
}

// Works until the input, the credit or the turn's share is used up.
void DownstreamH1Connection::Run() {
  for (size_t steps = 0; steps < base::kRequestsPerTurn; ++steps) {
    ReportFlushed();
    if (!Step() && !flushed_event_due_) return;
  }
  transport_->RequestTurn();
}

// One step of the state machine; false when it must wait.
bool DownstreamH1Connection::Step() {
  switch (state_) {
    case State::kIdle:
    case State::kHead:
      return TakeHead();
    case State::kExchange:
      if (exchange_ != nullptr) return TakeBody();
      FinishMessage();
      return state_ != State::kClosed;
    case State::kTunnel:
      StepTunnel();
      return false;
    case State::kDrainBody:
      DrainBody();
      return state_ == State::kIdle;
    case State::kLinger:
      Linger();
      return false;
    case State::kClosed:
      return false;
  }
  return false;
}

// The end of the tunnel may come with what is relayed here: no event follows that one.
void DownstreamH1Connection::StepTunnel() {
  if (exchange_ != nullptr) RelayTunnel();
  if (exchange_ != nullptr && transport_->broken()) ClientLeft("the client reset the connection");
  if (exchange_ != nullptr || state_ == State::kClosed) return;
  body_delivered_ ? Close(false) : BeginLinger();  // the upstream went first, for good: the client may be reading still
}

// Looks behind a request that is complete: what the client pipelined is kept, the end of its input is judged.
void DownstreamH1Connection::NoticeHangup() {
  if (state_ != State::kExchange || exchange_ == nullptr) return;
  if (transport_->broken()) return ClientLeft("the client reset the connection");
  if (!body_delivered_ || input_ended_) return;
  const IoStatus status = ReadAhead();
  if (status == IoStatus::kBlocked) return;
  input_ended_ = true;
  if (status == IoStatus::kFailed) return ClientLeft("the client reset the connection");
  if (now() - last_input_ < kHalfCloseWithin) return;
  if (!response_complete_) return ClientLeft("the client closed the connection");
  close_after_ = true;  // nothing is left to cancel, and it may be reading still
}

void DownstreamH1Connection::ClientLeft(const char* how) {
  exchange_->OnClientError({ErrorCode::kClientClosed, Side::kClient, Retry::kNever, how});
}

void DownstreamH1Connection::ArmTimer() {
  const base::Instant next = clocks_.Next();
  if (next != base::Instant::max()) worker().timers.Arm(timer_, next);
}

void DownstreamH1Connection::OnTimer() {
  if (clocks_.TakeDeadline(now())) {
    if (state_ == State::kHead) {
      StartExchange(0, {ErrorCode::kHeadTimeout, Side::kClient, Retry::kNever, "limits.headTimeout passed"});
    } else {
      return Close(false);
    }
  }
  if (clocks_.body.Expired(now())) {
    clocks_.body.Stop(now());
    if (state_ == State::kDrainBody) return BeginLinger();
    if (exchange_ != nullptr) {
      exchange_->OnClientError({ErrorCode::kBodyTimeout, Side::kClient, Retry::kNever, "the body made no progress"});
    }
  }
  if (clocks_.reader.Expired(now())) {
    if (exchange_ == nullptr) return Close(true);
    exchange_->OnClientError({ErrorCode::kSlowReader, Side::kClient, Retry::kNever, "the response was not read"});
  }
  ArmTimer();
}

void DownstreamH1Connection::EnterIdle() {
  SetState(State::kIdle);
  clocks_.body.Stop(now());
  scanner_.Reset();
  clocks_.SetDeadline(now() + limits().keep_alive);
  if (buffered() == 0) ReleaseInput();
  ArmTimer();
  if (listener_.closing()) CloseIfIdle();  // the others were closed before this one became idle
}

// The response is out and the exchange gone: what becomes of the connection.
void DownstreamH1Connection::FinishMessage() {
  clocks_.body.Stop(now());
  const bool body_complete = body_.finished();
  const bool asked_all = input_ended_ && (buffered() == 0 || !body_complete);
  if (close_after_ || asked_all || write_failed_) {
    const bool unread = !body_complete || buffered() > 0 || transport_->maybe_readable();
    return unread && !input_ended_ ? BeginLinger() : Close(false);
  }
  if (body_complete) return EnterIdle();
  SetState(State::kDrainBody);
  clocks_.ResetBody(limits());
  clocks_.body.Start(now());
  ArmTimer();
}

// Closing with unread bytes in the socket would reset what the client has not read yet (RFC 9112 9.6).
void DownstreamH1Connection::BeginLinger() {
  SetState(State::kLinger);
  transport_->ShutdownWrite();
  ReleaseInput();
  linger_until_ = now() + base::kLingerTotalMax;
  clocks_.SetDeadline(now() + base::kLingerTimeMax);
  ArmTimer();
  transport_->RequestTurn();
}

void DownstreamH1Connection::Linger() {
  base::SlabRef scratch = worker().slabs.Take();
  for (size_t reads = 0; reads < base::kReadsPerTurn; ++reads) {
    const net::IoResult result = transport_->Read({scratch->data(), scratch->size()});
    if (result.status == IoStatus::kBlocked) return;
    if (result.status != IoStatus::kOk) return Close(false);
    clocks_.SetDeadline(std::min(linger_until_, now() + base::kLingerTimeMax));
  }
  transport_->RequestTurn();
}

// A connection that was made a moment ago has a request on its way; another one's may be in the kernel already.
void DownstreamH1Connection::CloseIfIdle() {
  if (state_ != State::kIdle || buffered() > 0) return;
  const bool fresh = requests_ == 0 && now() - first_byte_ < kFreshFor;
  if (!fresh && !BytesWait(transport_->descriptor())) return Close(false);
  clocks_.SetDeadline((fresh ? first_byte_ : now()) + kFreshFor);
  ArmTimer();
}

void DownstreamH1Connection::CloseNow() {
  Close(true, {ErrorCode::kDraining, Side::kProxy, Retry::kNever, "headgate ended before the response did"});
}

void DownstreamH1Connection::Close(bool reset) {
  Close(reset, {ErrorCode::kClientClosed, Side::kClient, Retry::kNever, "the connection was closed"});
}

// `why` ends the request under way.
void DownstreamH1Connection::Close(bool reset, const Error& why) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  gauge_.reset();
  timer_.Disarm();
  transport_->Close(reset);
  if (exchange_ != nullptr) exchange_->OnClientError(why);
  ReleaseInput();
  out_.Clear();
  out_slab_.reset();
  static_cast<ListenerConnection*>(this)->Unlink();
  listener_.Removed();
  worker().graveyard.Bury(std::unique_ptr<net::Mortal>(this));
}

}  // namespace headgate::proxy
