#include "proxy/downstream/listener.h"

#include <cerrno>
#include <limits>

#include "base/limits.h"
#include "base/log/log.h"
#include "proxy/downstream/downstream_handshake.h"

namespace headgate::proxy {

namespace {

// How long a listener that had no place for a connection waits before it looks again.
constexpr base::Duration kPause = std::chrono::milliseconds(50);

}  // namespace

Listener::Listener(ListenerHost& host, ExchangeServices& services)
    : host_(host),
      services_(services),
      resume_timer_([](void* self) { static_cast<Listener*>(self)->Resume(); }, this),
      grace_timer_([](void* self) { static_cast<Listener*>(self)->CloseIdle(); }, this) {}

Listener::~Listener() {
  HG_CHECK(connections_.empty());
  if (socket_ != nullptr) services_.worker.reactor.Remove(socket_->descriptor());
}

void Listener::Configure(const ListenerRuntime& runtime, uint32_t index) {
  if (series_ != nullptr && series_ != runtime.series) MoveGauges(*runtime.series);
  policy_ = runtime.policy;
  series_ = runtime.series;
  connections_budget_ = runtime.connections;
  certificates_ = runtime.certificates;
  tls_ = runtime.tls.empty() ? nullptr : runtime.tls[services_.worker.index];
  index_ = index;
}

// Its connections count under its new name.
void Listener::MoveGauges(const metrics::ListenerSeries& to) {
  metrics::Shard& shard = services_.worker.shard;
  for (size_t state = 0; state < counted_.size(); ++state) {
    shard.AddGauge(series_->connections[state], -counted_[state]);
    shard.AddGauge(to.connections[state], counted_[state]);
  }
  shard.AddGauge(series_->streams_active, -streams_counted_);
  shard.AddGauge(to.streams_active, streams_counted_);
}

void Listener::Count(metrics::ConnectionState state, int64_t change) {
  counted_[metrics::Index(state)] += change;
  services_.worker.shard.AddGauge(series_->connections[metrics::Index(state)], change);
}

void Listener::CountStreams(int64_t change) {
  streams_counted_ += change;
  services_.worker.shard.AddGauge(series_->streams_active, change);
}

void Listener::Open(net::ListenSocket& socket) {
  HG_CHECK(socket_ == nullptr);
  socket_ = &socket;
  services_.worker.reactor.AddLevelTriggered(socket.descriptor(), *this);
}

PinRef Listener::CurrentSnapshot() { return retired() ? PinRef(*retired_with_.operator->()) : host_.CurrentSnapshot(); }

void Listener::Retire(PinRef last) {
  Shut();
  retired_ = true;
  retired_with_ = std::move(last);
  BeginDrain();
  services_.worker.timers.Arm(grace_timer_, services_.worker.now + kRetireGrace);
}

void Listener::ReleaseSnapshot() {
  if (!retired_with_ || !closing_) return;
  bool asked = false;
  connections_.ForEach([&](ListenerConnection& connection) { asked = asked || !connection.finishing(); });
  if (!asked) retired_with_.reset();
}

void Listener::Shut() {
  if (socket_ == nullptr) return;
  if (!paused_) services_.worker.reactor.Remove(socket_->descriptor());
  paused_ = false;
  resume_timer_.Disarm();
  // Nothing may come between the last Accept and Close: whoever is in the queue then is reset.
  while (socket_ != nullptr && AcceptOne()) {
  }
  socket_->Close();
  socket_ = nullptr;
  paused_ = false;
}

void Listener::OnReady(uint32_t /*events*/) {
  if (socket_ != nullptr && !paused_) AcceptSome(base::kAcceptsPerTurn);
}

void Listener::AcceptSome(size_t most) {
  for (size_t i = 0; i < most; ++i) {
    if (!AcceptOne()) return;
  }
}

// A place among the process's connections and among the listener's own.
bool Listener::TakePlace() {
  SharedBudget& process = services_.worker.process.connections;
  if (!process.TryTake(OrNone(host_.connections_limit()))) return false;
  if (connections_budget_->TryTake(OrNone(policy_->limits.max_connections))) return true;
  process.Give();
  return false;
}

void Listener::GivePlace() {
  services_.worker.process.connections.Give();
  connections_budget_->Give();
}

bool Listener::AcceptOne() {
  if (!TakePlace()) {
    Pause();
    return false;
  }
  const net::ListenSocket::Accepted accepted = socket_->Accept();
  if (accepted.descriptor >= 0) {
    services_.worker.shard.Add(series_->accepts);
    DownstreamHandshake::Start(*this, accepted.descriptor, accepted.peer);
    return true;
  }
  GivePlace();
  if (accepted.error == EAGAIN || accepted.error == EWOULDBLOCK) return false;
  services_.worker.shard.Add(series_->accept_errors);
  if (accepted.error == ECONNABORTED || accepted.error == EINTR || accepted.error == EPROTO) return true;
  Pause();
  return false;
}

// No place or no descriptor: the queue waits with the kernel, and the loop does not spin over it.
void Listener::Pause() {
  if (paused_ || socket_ == nullptr) return;
  paused_ = true;
  services_.worker.reactor.Remove(socket_->descriptor());
  services_.worker.timers.Arm(resume_timer_, services_.worker.now + kPause);
}

void Listener::Resume() {
  if (!paused_ || socket_ == nullptr) return;
  paused_ = false;
  resume_timer_.Disarm();
  services_.worker.reactor.AddLevelTriggered(socket_->descriptor(), *this);
}

void Listener::Removed() {
  GivePlace();
  Resume();
}

void Listener::BeginDrain() {
  connections_.ForEach([](ListenerConnection& connection) { connection.BeginDrain(); });
}

void Listener::CloseIdle() {
  closing_ = true;
  connections_.ForEach([](ListenerConnection& connection) { connection.CloseIfIdle(); });
}

void Listener::CloseAll() {
  connections_.ForEach([](ListenerConnection& connection) { connection.CloseNow(); });
}

}  // namespace headgate::proxy
