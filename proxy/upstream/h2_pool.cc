#include "proxy/upstream/h2_pool.h"

#include <algorithm>
#include <utility>

namespace headgate::proxy {

using metrics::ConnectionState;

H2Pool::H2Pool(WorkerContext& worker, Cluster& cluster, UpstreamShared& shared)
    : PoolBase(worker, cluster, shared),
      connect_deadline_([](void* pool) { static_cast<H2Pool*>(pool)->OnConnectDeadline(); }, this),
      sweep_([](void* pool) { static_cast<H2Pool*>(pool)->OnSweep(); }, this) {}

H2Pool::~H2Pool() {
  while (Attempt* attempt = queue_.front()) Leave(*attempt);
  granted_.ForEach([](UpstreamH2Stream& stream) { stream.attempt()->waiting_in = nullptr; });
  while (UpstreamH2Connection* connection = all_.front()) Destroy(*connection);
}

void H2Pool::SetEndpoints(std::shared_ptr<const EndpointSet> endpoints) {
  const std::vector<std::unique_ptr<H2Place>> gone = Rearrange(places_, *endpoints);
  for (const std::unique_ptr<H2Place>& place : gone) {
    ForgetWanted(place->shared.get());
    queue_.ForEach([&](Attempt& attempt) {
      if (attempt.endpoint != place->shared.get()) return;
      attempt.endpoint = nullptr;
      --expected_;
    });
    all_.ForEach([&](UpstreamH2Connection& connection) {
      if (connection.notes.place != place.get()) return;
      connection.notes.place = nullptr;
      static_cast<base::ListNode<IdleTag>&>(connection).Unlink();
      connection.Drain();
      CloseIfUnused(connection);
    });
  }
  balancer_.SetEndpoints(std::move(endpoints));
  UpdatePending();
  if (own_pending_ > 0) OpenForPending();
}

void H2Pool::CloseIdle() {
  while (UpstreamH2Connection* connection = idle_by_age_.front()) Destroy(*connection);
}

base::Result<UpstreamStream*> H2Pool::Begin(Attempt& attempt) {
  Prepare(attempt);
  if (!has_endpoint()) return NoEndpoint("the upstream has no endpoint");
  H2Place& place = *places_[Pick(attempt)];
  // Who waits for room comes first.
  UpstreamH2Connection* connection = own_pending_ == 0 ? Choose(place, attempt.fresh_connection) : nullptr;
  if (connection == nullptr) return Wait(attempt, place);
  UpstreamStream* stream = &Lease(*connection, attempt);
  if (connection->crowded()) Grow(place);
  return stream;
}

bool H2Pool::MayCarry(const UpstreamH2Connection& connection) const noexcept {
  const uint32_t requests_max = policy_->connections.max_requests;
  return connection.open() && connection.notes.place != nullptr && connection.notes.generation == generation_ &&
         worker_.now < connection.notes.expires && (requests_max == 0 || connection.begun() < requests_max);
}

UpstreamH2Connection* H2Pool::Choose(H2Place& place, bool fresh) noexcept {
  UpstreamH2Connection* roomy = nullptr;
  UpstreamH2Connection* crowded = nullptr;
  place.connections.ForEach([&](UpstreamH2Connection& connection) {
    if (roomy != nullptr || !MayCarry(connection) || connection.room() == 0) return;
    if (fresh && connection.has_served() && worker_.now - connection.notes.opened >= kFresh) return;
    if (!connection.crowded()) {
      roomy = &connection;
    } else if (crowded == nullptr || connection.leased() < crowded->leased()) {
      crowded = &connection;
    }
  });
  return roomy != nullptr ? roomy : crowded;
}

UpstreamH2Connection* H2Pool::ChooseAnywhere(const EndpointShared* avoid) noexcept {
  UpstreamH2Connection* avoided = nullptr;
  for (const std::unique_ptr<H2Place>& place : places_) {
    UpstreamH2Connection* connection = Choose(*place, false);
    if (connection == nullptr) continue;
    if (place->shared.get() != avoid) return connection;
    avoided = connection;
  }
  return avoided;
}

UpstreamH2Stream& H2Pool::Lease(UpstreamH2Connection& connection, Attempt& attempt) {
  UpstreamH2Stream& stream = connection.Lease(attempt);
  Regauge(connection);
  const uint32_t requests_max = policy_->connections.max_requests;
  if (requests_max != 0 && connection.begun() >= requests_max) connection.Drain();
  return stream;
}

void H2Pool::Grow(H2Place& place) {
  if (place.connecting > 0 || retired_) return;
  const UpstreamH2Connection* best = Choose(place, false);
  if (best != nullptr && !best->crowded()) return;
  if (TakeFreeSlot()) Open(place);
}

void H2Pool::OnDraining(UpstreamH2Connection& connection) { CloseIfUnused(connection); }

void H2Pool::OnLost(UpstreamH2Connection& connection) {
  static_cast<base::ListNode<IdleTag>&>(connection).Unlink();
  CloseIfUnused(connection);
  if (waiting_ > 0) worker_.reactor.Defer(*this);
}

void H2Pool::OnRoom(UpstreamH2Connection&) {
  if (waiting_ > 0) worker_.reactor.Defer(*this);
}

void H2Pool::OnReleased(UpstreamH2Connection& connection) {
  CloseIfUnused(connection);
  if (waiting_ > 0) worker_.reactor.Defer(*this);
}

// A connection without a stream stays only if it may carry another one, and nobody needs its slot more.
void H2Pool::CloseIfUnused(UpstreamH2Connection& connection) {
  if (connection.connecting()) return;
  if (connection.leased() > 0) return Regauge(connection);
  const bool wanted = waiting_ > 0 || (!retired_ && OthersWaiting() == 0);
  if (MayCarry(connection) && wanted) return Regauge(connection);
  Destroy(connection);
  if (own_pending_ > 0) worker_.reactor.Defer(*this);
}

void H2Pool::Regauge(UpstreamH2Connection& connection) noexcept {
  const bool active = connection.leased() > 0;
  const bool idle = !active && connection.open();
  H2PoolNotes& notes = connection.notes;
  if (active != notes.active) {
    active ? ++leased_ : --leased_;
    AddGauge(ConnectionState::kActive, active ? 1 : -1);
  }
  if (idle != notes.idle) {
    idle ? ++idle_ : --idle_;
    AddGauge(ConnectionState::kIdle, idle ? 1 : -1);
    if (idle) {
      notes.deadline = worker_.now;
      idle_by_age_.PushBack(connection);
    } else {
      static_cast<base::ListNode<AgeTag>&>(connection).Unlink();
    }
  }
  notes.active = active;
  notes.idle = idle;
}

void H2Pool::Destroy(UpstreamH2Connection& connection) noexcept {
  static_cast<base::ListNode<IdleTag>&>(connection).Unlink();
  static_cast<base::ListNode<AllTag>&>(connection).Unlink();
  connection.Close();
  Regauge(connection);
  static_cast<base::ListNode<AgeTag>&>(connection).Unlink();
  GiveSlot();
  worker_.graveyard.Bury(std::unique_ptr<net::Mortal>(&connection));
}

void H2Pool::ArmSweep() {
  const base::Instant next = worker_.now + SweepInterval();
  if (sweep_.armed() && sweep_.deadline() <= next) return;
  worker_.timers.Arm(sweep_, next);
}

void H2Pool::OnSweep() {
  const base::Instant used_last = worker_.now - policy_->connections.idle_timeout;
  idle_by_age_.ForEach([&](UpstreamH2Connection& connection) {
    if (connection.notes.deadline <= used_last || retired_ || !MayCarry(connection)) Destroy(connection);
  });
  all_.ForEach([&](UpstreamH2Connection& connection) {
    if (connection.open() && !MayCarry(connection)) connection.Drain();
  });
  if (OthersWaiting() > 0) ShareSlots();
  if (!all_.empty()) ArmSweep();
}

// A slot that is held here while another worker's request waits for one must wander: idle connections go at once, else
// the oldest one takes no more streams.
void H2Pool::ShareSlots() {
  uint64_t others = OthersWaiting();
  for (; others > 0 && CloseOldestIdle(); --others) {
  }
  if (others == 0) return;
  UpstreamH2Connection* oldest = nullptr;
  bool draining = false;
  all_.ForEach([&](UpstreamH2Connection& connection) {
    draining = draining || (!connection.open() && !connection.connecting());
    if (connection.open() && (oldest == nullptr || connection.notes.opened < oldest->notes.opened)) {
      oldest = &connection;
    }
  });
  if (!draining && oldest != nullptr && worker_.now - oldest->notes.opened >= kSlotShare) oldest->Drain();
}

}  // namespace headgate::proxy
