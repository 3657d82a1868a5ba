#include "proxy/upstream/h1_pool.h"

#include <algorithm>
#include <utility>

namespace headgate::proxy {

using metrics::ConnectionState;

H1Pool::H1Pool(WorkerContext& worker, Cluster& cluster, UpstreamShared& shared)
    : PoolBase(worker, cluster, shared),
      connect_deadline_([](void* pool) { static_cast<H1Pool*>(pool)->OnConnectDeadline(); }, this),
      sweep_([](void* pool) { static_cast<H1Pool*>(pool)->OnSweep(); }, this) {}

H1Pool::~H1Pool() {
  while (Attempt* attempt = queue_.front()) {
    attempt->endpoint = nullptr;
    StopWaiting(*attempt);
  }
  granted_.ForEach([](UpstreamH1Connection& connection) { connection.notes.granted_to->waiting_in = nullptr; });
  while (UpstreamH1Connection* connection = all_.front()) Destroy(*connection);
}

void H1Pool::SetEndpoints(std::shared_ptr<const EndpointSet> endpoints) {
  for (const std::unique_ptr<PoolEndpoint>& gone : Rearrange(places_, *endpoints)) {
    while (UpstreamH1Connection* connection = gone->idle.front()) Destroy(*connection);
    ForgetWanted(gone->shared.get());
    queue_.ForEach([&gone](Attempt& attempt) {
      if (attempt.endpoint == gone->shared.get()) attempt.endpoint = nullptr;
    });
    all_.ForEach([&gone](UpstreamH1Connection& connection) {
      if (connection.notes.place == gone.get()) connection.notes.place = nullptr;
    });
  }
  balancer_.SetEndpoints(std::move(endpoints));
  if (own_pending_ > 0) OpenForPending();
}

void H1Pool::CloseIdle() {
  while (UpstreamH1Connection* connection = idle_by_age_.front()) Destroy(*connection);
}

base::Result<UpstreamStream*> H1Pool::Begin(Attempt& attempt) {
  Prepare(attempt);
  if (!has_endpoint()) return NoEndpoint("the upstream has no endpoint");
  const size_t endpoint = Pick(attempt);
  if (!attempt.fresh_connection) {
    if (UpstreamH1Connection* connection = TakeIdle(*places_[endpoint])) return Lease(*connection, attempt);
  }
  return Wait(attempt, endpoint);
}

UpstreamH1Connection* H1Pool::TakeIdle(PoolEndpoint& place) noexcept {
  while (UpstreamH1Connection* connection = place.idle.front()) {
    if (!Stale(*connection) && connection->Alive()) {
      LeaveIdle(*connection);
      return connection;
    }
    Destroy(*connection);
  }
  return nullptr;
}

bool H1Pool::Stale(const UpstreamH1Connection& connection) const noexcept {
  const PoolNotes& notes = connection.notes;
  const base::Duration usable = notes.place->limit.Usable(connection.stated_idle());
  return worker_.now - notes.deadline >= std::min(policy_->connections.idle_timeout, usable) ||
         worker_.now >= notes.expires;
}

UpstreamStream* H1Pool::Lease(UpstreamH1Connection& connection, Attempt& attempt) noexcept {
  ++leased_;
  AddGauge(ConnectionState::kActive, 1);
  return &connection.Lease(attempt);
}

void H1Pool::OnReleased(UpstreamH1Connection& connection, bool clean) {
  --leased_;
  AddGauge(ConnectionState::kActive, -1);
  if (clean && MayKeep(connection)) return MakeFree(connection);
  Destroy(connection);
  if (own_pending_ > 0) OpenForPending();
}

void H1Pool::OnIdleClosed(UpstreamH1Connection& connection) {
  Attempt* attempt = std::exchange(connection.notes.granted_to, nullptr);
  const bool idle = static_cast<base::ListNode<IdleTag>&>(connection).linked();
  if (idle) connection.notes.place->limit.Closed(connection.notes.deadline, worker_.now);
  Destroy(connection);
  if (attempt != nullptr) {
    attempt->endpoint = nullptr;
    queue_.PushFront(*attempt);
    ++waiting_;
    UpdatePending();
  }
  if (own_pending_ > 0) OpenForPending();
}

bool H1Pool::MayKeep(const UpstreamH1Connection& connection) const noexcept {
  const uint32_t requests_max = policy_->connections.max_requests;
  return !retired_ && connection.notes.place != nullptr && connection.notes.generation == generation_ &&
         worker_.now < connection.notes.expires && (requests_max == 0 || connection.served() < requests_max);
}

void H1Pool::MakeFree(UpstreamH1Connection& connection) {
  if (waiting_ > 0) {
    if (Attempt* attempt = WaiterFor(connection)) return Grant(connection, *attempt);
  }
  if (!MayKeep(connection) || OthersWaiting() > 0) {
    Destroy(connection);
  } else {
    PutIdle(connection);
  }
  if (own_pending_ > 0) OpenForPending();
}

void H1Pool::PutIdle(UpstreamH1Connection& connection) {
  connection.notes.deadline = worker_.now;
  connection.notes.place->idle.PushFront(connection);
  idle_by_age_.PushBack(connection);
  ++idle_;
  AddGauge(ConnectionState::kIdle, 1);
  ArmSweep();
}

void H1Pool::LeaveIdle(UpstreamH1Connection& connection) noexcept {
  static_cast<base::ListNode<IdleTag>&>(connection).Unlink();
  static_cast<base::ListNode<AgeTag>&>(connection).Unlink();
  --idle_;
  AddGauge(ConnectionState::kIdle, -1);
}

void H1Pool::Destroy(UpstreamH1Connection& connection) noexcept {
  if (static_cast<base::ListNode<IdleTag>&>(connection).linked()) LeaveIdle(connection);
  static_cast<base::ListNode<AgeTag>&>(connection).Unlink();
  static_cast<base::ListNode<AllTag>&>(connection).Unlink();
  if (connection.leased()) {
    --leased_;
    AddGauge(ConnectionState::kActive, -1);
  }
  connection.Close();
  GiveSlot();
  worker_.graveyard.Bury(std::unique_ptr<net::Mortal>(&connection));
}

void H1Pool::ArmSweep() {
  const base::Instant next = worker_.now + SweepInterval();
  if (sweep_.armed() && sweep_.deadline() <= next) return;
  worker_.timers.Arm(sweep_, next);
}

void H1Pool::OnSweep() {
  idle_by_age_.ForEach([this](UpstreamH1Connection& connection) {
    if (Stale(connection)) Destroy(connection);
  });
  // Give idle slots back when another worker has requests waiting.
  for (uint64_t others = OthersWaiting(); others > 0; --others) {
    UpstreamH1Connection* connection = idle_by_age_.front();
    if (connection == nullptr) break;
    Destroy(*connection);
  }
  if (idle_ > 0) ArmSweep();
}

}  // namespace headgate::proxy
