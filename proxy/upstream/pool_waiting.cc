// The pool's other half: attempts that wait, connections that are being opened, and slots shared with other workers.
#include <utility>

#include "proxy/upstream/pool.h"

namespace headgate::proxy {

using base::Error;

base::Result<UpstreamStream*> Pool::Wait(Attempt& attempt, size_t endpoint) {
  const bool slot = TakeSlot();
  if (!slot && waiting_ + 1 > connecting_) {
    if (!TakePending()) return Overload(kFull);
  }
  Enqueue(attempt);
  if (slot) {
    attempt.endpoint = places_[endpoint]->shared.get();
    Open(endpoint);
  }
  UpdatePending();
  return static_cast<UpstreamStream*>(nullptr);
}

bool Pool::Abandon(Attempt& attempt) noexcept {
  if (attempt.linked()) {
    StopWaiting(attempt);
    return true;
  }
  H1Connection* freed = nullptr;
  granted_.ForEach([&](H1Connection& connection) {
    if (connection.notes.granted_to == &attempt) freed = &connection;
  });
  if (freed == nullptr) return false;
  attempt.waiting_in = nullptr;
  static_cast<base::ListNode<AgeTag>*>(freed)->Unlink();
  freed->notes.granted_to = nullptr;
  MakeFree(*freed);
  return true;
}

Attempt* Pool::HandOver() noexcept {
  Attempt* attempt = queue_.front();
  if (attempt != nullptr) StopWaiting(*attempt);
  return attempt;
}

void Pool::Adopt(Attempt& attempt) {
  Prepare(attempt);
  Enqueue(attempt);
  UpdatePending();
  OpenForPending();
}

bool Pool::CloseOldestIdle() noexcept {
  H1Connection* oldest = idle_by_age_.front();
  if (oldest != nullptr) Destroy(*oldest);
  return oldest != nullptr;
}

// Uses a slot that was taken.
void Pool::Open(size_t endpoint) {
  PoolEndpoint& place = *places_[endpoint];
  auto* connection = new H1Connection(worker_, *this, place.shared);
  connection->notes.place = &place;
  connection->notes.generation = generation_;
  connection->notes.deadline = worker_.now + policy_->connections.connect_timeout;
  connection->notes.expires = Expiry();
  all_.PushBack(*connection);
  connecting_by_age_.PushBack(*connection);
  ++connecting_;
  const base::Result<void> started = connection->Connect(tls_, ServerName());
  if (!started.ok()) {
    failures_.push_back({place.shared, started.error()});
    Destroy(*connection);
    return worker_.reactor.Defer(*this);
  }
  if (!connect_deadline_.armed()) worker_.timers.Arm(connect_deadline_, connecting_by_age_.front()->notes.deadline);
}

void Pool::OpenForPending() {
  if (places_.empty()) return worker_.reactor.Defer(*this);
  while (own_pending_ > 0 && TakeSlot()) {
    Attempt& first = FirstPending();
    const size_t endpoint = balancer_.Pick(worker_.now, first.avoid);
    first.endpoint = places_[endpoint]->shared.get();
    Open(endpoint);
    UpdatePending();
  }
}

void Pool::OnConnectDeadline() {
  while (H1Connection* connection = connecting_by_age_.front()) {
    if (connection->notes.deadline > worker_.now) break;
    OnConnectFailed(*connection, connection->ConnectTimedOut());
  }
  if (const H1Connection* next = connecting_by_age_.front())
    worker_.timers.Arm(connect_deadline_, next->notes.deadline);
}

void Pool::OnConnectDone(H1Connection& connection) {
  static_cast<base::ListNode<AgeTag>&>(connection).Unlink();
  --connecting_;
  CountConnect(metrics::ConnectResult::kOk);
  connection.endpoint()->Succeeded();
  MakeFree(connection);
  UpdatePending();
}

void Pool::OnConnectFailed(H1Connection& connection, const Error& error) {
  const std::shared_ptr<EndpointShared> endpoint = connection.endpoint();
  Destroy(connection);
  ConnectFailed(*endpoint, error);
}

void Pool::ConnectFailed(EndpointShared& endpoint, const Error& error) {
  --connecting_;
  NoteConnectFailure(endpoint, error);
  if (waiting_ > connecting_) FailWaiter(endpoint, error);
  UpdatePending();
  if (own_pending_ > 0) OpenForPending();
}

// The one it was opened for, if that one still waits; else who came first.
void Pool::FailWaiter(EndpointShared& endpoint, const Error& error) {
  Attempt* chosen = nullptr;
  queue_.ForEach([&](Attempt& attempt) {
    if (chosen == nullptr && attempt.endpoint == &endpoint) chosen = &attempt;
  });
  if (chosen == nullptr) chosen = queue_.front();
  StopWaiting(*chosen);
  chosen->endpoint = &endpoint;
  chosen->events.OnAttemptFailed(error);
}

Attempt* Pool::WaiterFor(const H1Connection& connection) noexcept {
  const bool used = connection.served() > 0;
  const EndpointShared* endpoint = connection.endpoint().get();
  const auto fits = [&](const Attempt& attempt) { return !(used && attempt.fresh_connection); };
  Attempt* first = queue_.front();
  if (fits(*first) && first->avoid != endpoint) return first;
  Attempt* fitting = nullptr;
  Attempt* willing = nullptr;
  queue_.ForEach([&](Attempt& attempt) {
    if (!fits(attempt)) return;
    if (fitting == nullptr) fitting = &attempt;
    if (willing == nullptr && attempt.avoid != endpoint) willing = &attempt;
  });
  if (willing != nullptr) return willing;
  // Nothing else is on its way for the one who would rather have another endpoint.
  return waiting_ > connecting_ ? fitting : nullptr;
}

void Pool::Grant(H1Connection& connection, Attempt& attempt) {
  attempt.Unlink();
  --waiting_;
  attempt.endpoint = connection.endpoint().get();
  connection.notes.granted_to = &attempt;
  granted_.PushBack(connection);
  UpdatePending();
  worker_.reactor.Defer(*this);
}

void Pool::OnReady(uint32_t) {
  while (H1Connection* connection = granted_.PopFront()) {
    Attempt* attempt = std::exchange(connection->notes.granted_to, nullptr);
    attempt->waiting_in = nullptr;
    UpstreamStream* stream = Lease(*connection, *attempt);
    attempt->events.OnConnected(*stream);
  }
  std::vector<Failure> failures = std::exchange(failures_, {});
  for (const Failure& failure : failures) ConnectFailed(*failure.endpoint, failure.error);
  while (places_.empty() && waiting_ > connecting_) {
    Attempt& attempt = *queue_.front();
    StopWaiting(attempt);
    attempt.events.OnAttemptFailed(NoEndpoint("the upstream's endpoints are gone"));
  }
}

}  // namespace headgate::proxy
