#include "proxy/downstream/listener.h"

#include <cerrno>
#include <limits>

#include "base/limits.h"
#include "base/log/log.h"
#include "proxy/downstream/downstream_handshake.h"

namespace headgate::proxy {

namespace {

// How long a listener that had no place for a connection waits before it looks again.
constexpr base::Duration kPause = std::chrono::milliseconds(5);

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
  while (AcceptOne() == Accepting::kGoesOn) {
  }
  socket_->Close();
  socket_ = nullptr;
  paused_ = false;
}

void Listener::OnReady(uint32_t /*events*/) {
  if (socket_ != nullptr && !paused_) AcceptSome(base::kAcceptsPerTurn);
}

// The event says that one waits; whether another one does, the next event says.
void Listener::AcceptSome(size_t most) {
  for (size_t i = 0; i < most; ++i) {
    const Accepting accepting = AcceptOne();
    if (accepting == Accepting::kGoesOn) continue;
    if (accepting == Accepting::kMustWait && i == 0) {
      NoteRefusal();
      Pause();
    }
    return;
  }
}

// A place among the process's connections and among the listener's own.
bool Listener::TakePlace() {
  ProcessShared& process = services_.worker.process;
  const uint64_t limit = host_.connections_limit();
  if (!process.connections.TryTake(OrNone(limit))) {
    refusal_ = limit == process.shares.clients ? "the process's file limit leaves no room for another client"
                                               : "limits.maxConnections is reached";
    return false;
  }
  if (connections_budget_->TryTake(OrNone(policy_->limits.max_connections))) return true;
  process.connections.Give();
  refusal_ = "the listener's limits.maxConnections is reached";
  return false;
}

void Listener::GivePlace() {
  services_.worker.process.connections.Give();
  connections_budget_->Give();
}

// A trusted proxy speaks for many clients.
bool Listener::TakeClientPlace(const base::IpAddress& client, ClientPlaces::Place& place) {
  const uint64_t limit = policy_->limits.max_connections_per_client;
  if (limit == 0 || base::Contains(CurrentSnapshot()->compiled().trusted_proxies, client)) return true;
  if (services_.worker.process.client_places.Take(client, limit, place)) return true;
  services_.worker.shard.Add(series_->refused);
  client_log_.Write(base::log::Level::kWarning, services_.worker.now,
                    "listener {}: a connection of {} is refused, limits.maxConnectionsPerClient ({}) is reached",
                    policy_->name, client.ToString(), limit);
  return false;
}

Listener::Accepting Listener::AcceptOne() {
  if (!TakePlace()) return Accepting::kMustWait;
  const net::ListenSocket::Accepted accepted = socket_->Accept();
  if (accepted.descriptor >= 0) {
    services_.worker.shard.Add(series_->accepts);
    ClientPlaces::Place place;
    // Whom a PROXY header speaks for is known later.
    if (SendsProxyHeader(accepted.peer.ip) || TakeClientPlace(accepted.peer.ip, place)) {
      DownstreamHandshake::Start(*this, accepted, std::move(place));
    } else {
      net::ListenSocket::Reset(accepted.descriptor);
      GivePlace();
    }
    return Accepting::kGoesOn;
  }
  GivePlace();
  switch (accepted.error) {
    case EAGAIN:
      return Accepting::kQueueIsEmpty;
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
      services_.worker.shard.Add(series_->accept_errors);
      return Accepting::kGoesOn;
    case EMFILE:
      refusal_ = "the process's file limit is reached";
      return Accepting::kMustWait;
    case ENFILE:
      refusal_ = "the system's file limit is reached";
      return Accepting::kMustWait;
    default:
      refusal_ = "the kernel refuses (out of memory?)";
      return Accepting::kMustWait;
  }
}

// In the metric whenever a connection waits for a place, in the log now and then.
void Listener::NoteRefusal() {
  services_.worker.shard.Add(series_->accept_errors);
  refusals_log_.Write(base::log::Level::kWarning, services_.worker.now,
                      "listener {}: clients wait, {} ({} connections are open)", policy_->name, refusal_,
                      services_.worker.process.connections.taken());
}

void Listener::NoteProxyHeaderRefused(const base::SocketAddress& peer, const char* reason) {
  services_.worker.shard.Add(series_->proxy_headers_refused);
  proxy_headers_log_.Write(base::log::Level::kWarning, services_.worker.now,
                           "listener {}: a connection of {} is closed: {}", policy_->name, peer.ToString(), reason);
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
