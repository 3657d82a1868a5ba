#include "proxy/upstream/pool.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "metrics/reasons.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using metrics::ConnectionState;
using metrics::Index;

Pool::Pool(WorkerContext& worker, Cluster& cluster, UpstreamShared& shared)
    : worker_(worker),
      cluster_(cluster),
      shared_(shared),
      series_(std::make_shared<metrics::UpstreamSeries>()),
      balancer_(worker.rng),
      slot_poll_([](void* pool) { static_cast<Pool*>(pool)->OnSlotPoll(); }, this),
      connect_deadline_([](void* pool) { static_cast<Pool*>(pool)->OnConnectDeadline(); }, this),
      sweep_([](void* pool) { static_cast<Pool*>(pool)->OnSweep(); }, this) {}

Pool::~Pool() {
  while (Attempt* attempt = queue_.front()) StopWaiting(*attempt);
  granted_.ForEach([](H1Connection& connection) { connection.notes.granted_to->waiting_in = nullptr; });
  while (H1Connection* connection = all_.front()) Destroy(*connection);
}

void Pool::Configure(std::shared_ptr<const routing::UpstreamPolicy> policy, std::shared_ptr<net::TlsClientContext> tls,
                     std::shared_ptr<const metrics::UpstreamSeries> series) {
  const bool speaks_otherwise = policy_ != nullptr && (tls != tls_ || policy->tls != policy_->tls);
  policy_ = std::move(policy);
  tls_ = std::move(tls);
  balancer_.SetPolicy(policy_->load_balancing);
  retired_ = false;
  if (series != nullptr && series != series_) {
    const auto move_gauge = [&](ConnectionState state, size_t count) {
      worker_.shard.AddGauge(series_->connections[Index(state)], -static_cast<int64_t>(count));
      worker_.shard.AddGauge(series->connections[Index(state)], static_cast<int64_t>(count));
    };
    move_gauge(ConnectionState::kActive, leased_);
    move_gauge(ConnectionState::kIdle, idle_);
    series_ = std::move(series);
  }
  if (speaks_otherwise) {
    ++generation_;
    CloseIdle();
  }
  if (own_pending_ > 0) OpenForPending();
}

void Pool::SetEndpoints(std::shared_ptr<const EndpointSet> endpoints) {
  std::unordered_map<const EndpointShared*, std::unique_ptr<PoolEndpoint>> before;
  for (std::unique_ptr<PoolEndpoint>& place : places_) before.emplace(place->shared.get(), std::move(place));
  places_.clear();
  for (const Endpoint& endpoint : endpoints->endpoints) {
    const auto old = before.find(endpoint.shared.get());
    if (old != before.end() && old->second != nullptr) {
      places_.push_back(std::move(old->second));
      continue;
    }
    places_.push_back(std::make_unique<PoolEndpoint>());
    places_.back()->shared = endpoint.shared;
  }
  for (auto& [shared, place] : before) {
    if (place == nullptr) continue;
    while (H1Connection* connection = place->idle.front()) Destroy(*connection);
    all_.ForEach([&gone = place](H1Connection& connection) {
      if (connection.notes.place == gone.get()) connection.notes.place = nullptr;
    });
  }
  balancer_.SetEndpoints(std::move(endpoints));
  if (own_pending_ > 0) OpenForPending();
}

void Pool::Retire() {
  retired_ = true;
  CloseIdle();
}

void Pool::CloseIdle() {
  while (H1Connection* connection = idle_by_age_.front()) Destroy(*connection);
}

base::Result<UpstreamStream*> Pool::Begin(Attempt& attempt) {
  attempt.endpoint = nullptr;
  attempt.reused = attempt.any_byte_sent = attempt.any_byte_received = false;
  if (!has_endpoint()) {
    return Error{ErrorCode::kNoEndpoint, base::Side::kProxy, base::Retry::kNever, "the upstream has no endpoint"};
  }
  const size_t endpoint = balancer_.Pick(worker_.now, attempt.avoid);
  if (!attempt.fresh_connection) {
    if (H1Connection* connection = TakeIdle(*places_[endpoint])) return Lease(*connection, attempt);
  }
  return Wait(attempt, endpoint);
}

H1Connection* Pool::TakeIdle(PoolEndpoint& place) noexcept {
  while (H1Connection* connection = place.idle.front()) {
    const base::Instant stale = connection->notes.deadline + policy_->connections.idle_timeout;
    if (worker_.now < stale && worker_.now < connection->notes.expires && connection->Alive()) {
      LeaveIdle(*connection);
      return connection;
    }
    Destroy(*connection);
  }
  return nullptr;
}

UpstreamStream* Pool::Lease(H1Connection& connection, Attempt& attempt) noexcept {
  ++leased_;
  worker_.shard.AddGauge(series_->connections[Index(ConnectionState::kActive)], 1);
  return &connection.Lease(attempt);
}

void Pool::OnReleased(H1Connection& connection, bool clean) {
  --leased_;
  worker_.shard.AddGauge(series_->connections[Index(ConnectionState::kActive)], -1);
  if (clean && MayKeep(connection)) return MakeFree(connection);
  Destroy(connection);
  if (own_pending_ > 0) OpenForPending();
}

void Pool::OnIdleClosed(H1Connection& connection) {
  Attempt* attempt = std::exchange(connection.notes.granted_to, nullptr);
  Destroy(connection);
  if (attempt != nullptr) {
    queue_.PushFront(*attempt);
    ++waiting_;
    UpdatePending();
  }
  if (own_pending_ > 0) OpenForPending();
}

bool Pool::MayKeep(const H1Connection& connection) const noexcept {
  const uint32_t requests_max = policy_->connections.max_requests;
  return !retired_ && connection.notes.place != nullptr && connection.notes.generation == generation_ &&
         worker_.now < connection.notes.expires && (requests_max == 0 || connection.served() < requests_max);
}

void Pool::MakeFree(H1Connection& connection) {
  if (waiting_ > 0) {
    if (Attempt* attempt = WaiterFor(connection)) return Grant(connection, *attempt);
  }
  if (!MayKeep(connection) || OthersWait()) {
    Destroy(connection);
  } else {
    PutIdle(connection);
  }
  if (own_pending_ > 0) OpenForPending();
}

void Pool::PutIdle(H1Connection& connection) {
  connection.notes.deadline = worker_.now;
  connection.notes.place->idle.PushFront(connection);
  idle_by_age_.PushBack(connection);
  ++idle_;
  worker_.shard.AddGauge(series_->connections[Index(ConnectionState::kIdle)], 1);
  ArmSweep();
}

void Pool::LeaveIdle(H1Connection& connection) noexcept {
  static_cast<base::ListNode<IdleTag>&>(connection).Unlink();
  static_cast<base::ListNode<AgeTag>&>(connection).Unlink();
  --idle_;
  worker_.shard.AddGauge(series_->connections[Index(ConnectionState::kIdle)], -1);
}

void Pool::Destroy(H1Connection& connection) noexcept {
  if (static_cast<base::ListNode<IdleTag>&>(connection).linked()) LeaveIdle(connection);
  static_cast<base::ListNode<AgeTag>&>(connection).Unlink();
  static_cast<base::ListNode<AllTag>&>(connection).Unlink();
  if (connection.leased()) {
    --leased_;
    worker_.shard.AddGauge(series_->connections[Index(ConnectionState::kActive)], -1);
  }
  connection.Close();
  shared_.connections.Give();
  worker_.graveyard.Bury(std::unique_ptr<net::Mortal>(&connection));
}

void Pool::ArmSweep() {
  const base::Duration idle_timeout = policy_->connections.idle_timeout;
  const uint64_t slots = policy_->connections.max;
  const bool scarce = slots != 0 && shared_.connections.taken() * 4 >= slots * 3;
  const base::Instant next = worker_.now + std::min(scarce ? kSweepScarce : kSweep, idle_timeout);
  if (sweep_.armed() && sweep_.deadline() <= next) return;
  worker_.timers.Arm(sweep_, next);
}

void Pool::OnSweep() {
  const base::Instant used_last = worker_.now - policy_->connections.idle_timeout;
  idle_by_age_.ForEach([&](H1Connection& connection) {
    if (connection.notes.deadline <= used_last || connection.notes.expires <= worker_.now) Destroy(connection);
  });
  // A slot that is idle here while another worker's request waits for one must wander.
  for (uint64_t others = OthersWait() ? shared_.pending.taken() - own_pending_ : 0; others > 0; --others) {
    H1Connection* connection = idle_by_age_.front();
    if (connection == nullptr) break;
    Destroy(*connection);
  }
  if (idle_ > 0) ArmSweep();
}

}  // namespace headgate::proxy
