#include "proxy/upstream/upstream_h2_connection.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;

namespace {

// So much waits for slow clients that new streams are better off on another connection.
constexpr size_t kSlowBytes = http::h2::kHeldBytesMax / 4;
// Streams kept for the next request on a connection: what a small service has at a time.
constexpr size_t kSpareStreams = 16;
// Listeners share the connection: what each allows (limits.upstreamHead) its streams look at, up to this.
constexpr http::h1::HeadLimits kHeadLimits{.head_bytes = http::h2::kDecodedHeadBytesMax,
                                           .field_bytes = http::h2::kDecodedHeadBytesMax,
                                           .fields = base::kUpstreamFieldsMax};

}  // namespace

UpstreamH2Connection::UpstreamH2Connection(WorkerContext& worker, UpstreamH2ConnectionOwner& owner,
                                           std::shared_ptr<EndpointShared> endpoint)
    : worker_(worker),
      owner_(owner),
      endpoint_(std::move(endpoint)),
      transport_(worker.reactor, *this),
      connector_(transport_),
      timer_([](void* self) { static_cast<UpstreamH2Connection*>(self)->OnTimer(); }, this) {}

UpstreamH2Connection::~UpstreamH2Connection() {
  Close();
  const auto bury = [](UpstreamH2Stream& stream) { delete &stream; };
  leased_.ForEach(bury);
  parting_.ForEach(bury);
  free_.ForEach(bury);
}

base::Result<void> UpstreamH2Connection::Connect(std::shared_ptr<net::TlsClientContext> tls,
                                                 std::string_view server_name, base::Duration timeout) {
  state_ = State::kConnecting;
  timeout_ = timeout;
  base::Result<void> started = connector_.Start(endpoint_->address, std::move(tls), server_name);
  if (!started.ok()) Close();
  return started;
}

void UpstreamH2Connection::OnConnecting() {
  Error error;
  Connector::Progress progress = connector_.Continue(error);
  if (progress == Connector::Progress::kDone && transport_.is_tls() && transport_.alpn() != "h2") {
    error = {ErrorCode::kUpstreamTls, base::Side::kUpstream, base::Retry::kSafe,
             "the upstream did not choose h2 in the TLS handshake (ALPN)"};
    progress = Connector::Progress::kFailed;
  }
  switch (progress) {
    case Connector::Progress::kWaiting:
      return;
    case Connector::Progress::kFailed:
      Close();
      return owner_.OnConnectFailed(*this, error);
    case Connector::Progress::kDone:
      StartSession();
      return owner_.OnConnectDone(*this);
  }
}

// Our preface and SETTINGS leave together with the first request.
void UpstreamH2Connection::StartSession() {
  http::h2::SessionConfig config;
  config.role = http::h2::Role::kClient;
  config.scheme = transport_.is_tls() ? http::Scheme::kHttps : http::Scheme::kHttp;
  config.head = kHeadLimits;
  session_.emplace(config, nullptr, worker_.slabs, worker_.blocks, worker_.now);
  state_ = State::kOpen;
  streams_allowed_ = endpoint_->streams_assumed.load(std::memory_order_relaxed);
  quiet_since_ = worker_.now;
  settings_deadline_ = worker_.now + timeout_;
  ArmTimer();
  RequestTurn();
}

void UpstreamH2Connection::OnTransportReady() {
  switch (state_) {
    case State::kNew:
    case State::kLost:
    case State::kClosed:
      return;
    case State::kConnecting:
      return OnConnecting();
    case State::kOpen:
    case State::kDraining:
      return Turn();
  }
}

size_t UpstreamH2Connection::room() const noexcept {
  if (state_ != State::kOpen || transport_.hangup()) return 0;
  const size_t streams_max = std::min(streams_allowed_, kStreamsMax);
  return known_ < streams_max ? streams_max - known_ : 0;
}

bool UpstreamH2Connection::crowded() const noexcept {
  const bool slow = session_.has_value() && session_->held_bytes() >= kSlowBytes;
  return slow || known_ * 5 >= (known_ + room()) * 4;
}

UpstreamH2Stream& UpstreamH2Connection::Lease(Attempt& attempt) {
  HG_CHECK(room() > 0);
  UpstreamH2Stream* stream = free_.front();
  if (stream != nullptr) {
    --free_count_;
  } else {
    stream = new UpstreamH2Stream(*this);
  }
  leased_.PushBack(*stream);
  if (leased_count_++ == 0) quiet_since_ = worker_.now;
  ++known_;
  ++begun_;
  endpoint_->active.fetch_add(1, std::memory_order_relaxed);
  attempt.endpoint = endpoint_.get();
  attempt.tls_version = transport_.tls_version();
  attempt.reused = served_;
  stream->Lease(attempt);
  ArmTimer();
  return *stream;
}

void UpstreamH2Connection::Wake(UpstreamH2Stream& stream) noexcept {
  ready_.PushBack(stream);
  RequestTurn();
}

void UpstreamH2Connection::Released(UpstreamH2Stream& stream, bool parting) noexcept {
  --leased_count_;
  endpoint_->active.fetch_sub(1, std::memory_order_relaxed);
  if (parting) {
    parting_.PushBack(stream);
    RequestTurn();
  } else {
    Free(stream);
    if (leased_count_ == 0 && !in_turn_) RequestTurn();  // to let go of what it holds
  }
  if (state_ != State::kClosed) owner_.OnReleased(*this);
}

void UpstreamH2Connection::Free(UpstreamH2Stream& stream) noexcept {
  stream.BecomeFree();
  --known_;
  ++free_count_;
  free_.PushFront(stream);
  room_news_ = true;
}

// Nothing is held for a connection that carries nothing, but for a few streams.
void UpstreamH2Connection::TakeBreath() noexcept {
  if (known_ > 0 && free_count_ <= kSpareStreams) return;
  for (; free_count_ > kSpareStreams; --free_count_) delete free_.PopFront();
  if (known_ > 0) return;
  slab_.reset();
  flowing_ = false;
  if (output_.empty() && output_.storage() > base::kGatherMax) output_ = base::Chain();
}

void UpstreamH2Connection::Drain() noexcept {
  if (state_ == State::kOpen) state_ = State::kDraining;
}

void UpstreamH2Connection::Close() noexcept {
  if (state_ == State::kClosed) return;
  endpoint_->active.fetch_sub(static_cast<uint32_t>(leased_count_), std::memory_order_relaxed);
  if (alive() && output_.empty()) {
    session_->SubmitFinalGoaway(http::h2::H2Error::kNoError);
    session_->Produce(output_, http::h2::kOutputBytesMax);
    transport_.Write(output_);
  }
  state_ = State::kClosed;
  leased_count_ = 0;
  timer_.Disarm();
  static_cast<net::IoHandler*>(this)->Unlink();
  transport_.Close();
  output_.Clear();
}

}  // namespace headgate::proxy
