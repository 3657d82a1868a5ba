#include "proxy/upstream/pool_base.h"

#include <algorithm>

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using metrics::ConnectionState;
using metrics::ConnectResult;
using metrics::Index;

PoolBase::PoolBase(WorkerContext& worker, Cluster& cluster, UpstreamShared& shared)
    : worker_(worker),
      cluster_(cluster),
      shared_(shared),
      series_(std::make_shared<metrics::UpstreamSeries>()),
      balancer_(worker.rng),
      slot_poll_([](void* pool) { static_cast<PoolBase*>(pool)->OnSlotPoll(); }, this) {}

void PoolBase::Configure(std::shared_ptr<const routing::UpstreamPolicy> policy,
                         std::shared_ptr<net::TlsClientContext> tls,
                         std::shared_ptr<const metrics::UpstreamSeries> series) {
  const bool speaks_otherwise = policy_ != nullptr && (tls != tls_ || policy->tls != policy_->tls);
  policy_ = std::move(policy);
  tls_ = std::move(tls);
  balancer_.SetPolicy(policy_->load_balancing);
  retired_ = false;
  if (series != nullptr && series != series_) {
    const auto leased = static_cast<int64_t>(leased_);
    const auto idle = static_cast<int64_t>(idle_);
    AddGauge(ConnectionState::kActive, -leased);
    AddGauge(ConnectionState::kIdle, -idle);
    series_ = std::move(series);
    AddGauge(ConnectionState::kActive, leased);
    AddGauge(ConnectionState::kIdle, idle);
  }
  if (speaks_otherwise) {
    ++generation_;
    CloseIdle();
  }
  if (own_pending_ > 0) OpenForPending();
}

void PoolBase::Retire() {
  retired_ = true;
  CloseIdle();
}

void PoolBase::Prepare(Attempt& attempt) noexcept {
  attempt.endpoint = nullptr;
  attempt.wanted = nullptr;
  attempt.reused = attempt.any_byte_sent = attempt.any_byte_received = false;
}

Error PoolBase::NoEndpoint(const char* detail) const noexcept {
  return {ErrorCode::kNoEndpoint, base::Side::kProxy, base::Retry::kNever, detail};
}

Error PoolBase::Overload(const char* detail) noexcept {
  return {ErrorCode::kOverload, base::Side::kProxy, base::Retry::kNever, detail};
}

size_t PoolBase::Pick(Attempt& attempt) noexcept {
  const size_t index = balancer_.Pick(worker_.now, attempt.avoid, attempt.hash);
  if (attempt.hash != 0) attempt.wanted = balancer_.endpoints()->endpoints[index].shared.get();
  return index;
}

void PoolBase::ForgetWanted(const EndpointShared* gone) noexcept {
  queue_.ForEach([gone](Attempt& attempt) {
    if (attempt.wanted == gone) attempt.wanted = nullptr;
  });
}

void PoolBase::Enqueue(Attempt& attempt) noexcept {
  queue_.PushBack(attempt);
  ++waiting_;
  attempt.waiting_in = &cluster_;
  attempt.waiting_since = worker_.now;
}

void PoolBase::StopWaiting(Attempt& attempt) noexcept {
  attempt.Unlink();
  attempt.waiting_in = nullptr;
  --waiting_;
  UpdatePending();
}

void PoolBase::UpdatePending() noexcept {
  const size_t expected = Expected();
  const uint64_t pending = waiting_ > expected ? waiting_ - expected : 0;
  for (; own_pending_ < pending; ++own_pending_) {
    shared_.pending.Take();
    worker_.process.pending.Take();
  }
  for (; own_pending_ > pending; --own_pending_) {
    shared_.pending.Give();
    worker_.process.pending.Give();
  }
  if (pending == 0) return slot_poll_.Disarm();
  if (!slot_poll_.armed()) worker_.timers.Arm(slot_poll_, worker_.now + kSlotPoll);
}

bool PoolBase::TakePending() noexcept {
  if (!shared_.pending.TryTake(policy_->connections.max_pending)) return false;
  worker_.process.pending.Take();
  ++own_pending_;
  return true;
}

bool PoolBase::TakeFreeSlot() noexcept {
  if (!shared_.connections.TryTake(OrNone(policy_->connections.max))) return false;
  ProcessShared& process = worker_.process;
  if (process.upstream_connections.TryTake(process.shares.upstreams)) return true;
  shared_.connections.Give();
  return false;
}

bool PoolBase::TakeSlot() { return TakeFreeSlot() || (CloseOldestIdle() && TakeFreeSlot()); }

void PoolBase::GiveSlot() noexcept {
  shared_.connections.Give();
  worker_.process.upstream_connections.Give();
}

// While descriptors are short, requests to other upstreams wait for the same slots.
uint64_t PoolBase::OthersWaiting() const noexcept {
  const ProcessShared& process = worker_.process;
  const bool short_of_descriptors = process.upstream_connections.taken() >= process.shares.upstreams;
  const uint64_t all = short_of_descriptors ? process.pending.taken() : shared_.pending.taken();
  return all > own_pending_ ? all - own_pending_ : 0;
}

Attempt& PoolBase::FirstPending() noexcept {
  Attempt* first = nullptr;
  queue_.ForEach([&first](Attempt& attempt) {
    if (first == nullptr && attempt.endpoint == nullptr) first = &attempt;
  });
  return first != nullptr ? *first : *queue_.front();
}

void PoolBase::OnSlotPoll() {
  if (own_pending_ > 0) OpenForPending();
  RefuseLate();
  UpdatePending();
}

void PoolBase::RefuseLate() {
  while (own_pending_ > 0) {
    Attempt& first = FirstPending();
    if (worker_.now - first.waiting_since < policy_->connections.connect_timeout) return;
    StopWaiting(first);
    first.events.OnAttemptFailed(Overload("no connection became free within connections.connectTimeout"));
  }
}

void PoolBase::NoteConnectFailure(EndpointShared& endpoint, const Error& error) noexcept {
  ConnectResult result = ConnectResult::kFailed;
  if (error.code == ErrorCode::kConnectRefused) result = ConnectResult::kRefused;
  if (error.code == ErrorCode::kConnectTimeout) result = ConnectResult::kTimeout;
  if (error.code == ErrorCode::kUpstreamTls) result = ConnectResult::kTls;
  CountConnect(result);
  // Not for what is wrong here (no descriptor left), nor for a certificate that would be refused again.
  const bool unreachable = error.side == base::Side::kUpstream && error.code != ErrorCode::kUpstreamTls;
  if (unreachable) endpoint.SetAside(worker_.now);
}

void PoolBase::CountConnect(ConnectResult result) noexcept { worker_.shard.Add(series_->connects[Index(result)]); }

void PoolBase::AddGauge(ConnectionState state, int64_t change) noexcept {
  worker_.shard.AddGauge(series_->connections[Index(state)], change);
}

base::Instant PoolBase::Expiry() noexcept {
  const base::Duration max_age = policy_->connections.max_age;
  if (max_age.count() <= 0) return base::Instant::max();
  const base::Duration tenth = max_age / 10;
  const auto jitter = base::Duration(
      tenth.count() > 0 ? static_cast<int64_t>(worker_.rng.Below(static_cast<uint64_t>(2 * tenth.count()))) : 0);
  return worker_.now + max_age - tenth + jitter;
}

const std::string& PoolBase::ServerName() const noexcept {
  return policy_->tls.server_name.empty() ? policy_->dns_host : policy_->tls.server_name;
}

base::Duration PoolBase::SweepInterval() const noexcept {
  const uint64_t slots = policy_->connections.max;
  const ProcessShared& process = worker_.process;
  const bool scarce = (slots != 0 && shared_.connections.taken() * 4 >= slots * 3) ||
                      process.upstream_connections.taken() >= process.shares.upstreams / 4 * 3;
  return std::min(scarce ? kSweepScarce : kSweep, policy_->connections.idle_timeout);
}

}  // namespace headgate::proxy
