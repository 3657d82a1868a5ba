// The pool's other half: attempts that wait, connections that are being opened, and slots shared with other workers.
#include <utility>

#include "proxy/upstream/h1_pool.h"

namespace headgate::proxy {

using base::Error;

base::Result<UpstreamStream*> H1Pool::Wait(Attempt& attempt, size_t endpoint) {
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

bool H1Pool::Abandon(Attempt& attempt) noexcept {
  if (attempt.linked()) {
    StopWaiting(attempt);
    return true;
  }
  UpstreamH1Connection* freed = nullptr;
  granted_.ForEach([&](UpstreamH1Connection& connection) {
    if (connection.notes.granted_to == &attempt) freed = &connection;
  });
  if (freed == nullptr) return false;
  attempt.waiting_in = nullptr;
  static_cast<base::ListNode<AgeTag>*>(freed)->Unlink();
  freed->notes.granted_to = nullptr;
  MakeFree(*freed);
  return true;
}

Attempt* H1Pool::HandOver() noexcept {
  Attempt* attempt = queue_.front();
  if (attempt != nullptr) StopWaiting(*attempt);
  return attempt;
}

void H1Pool::Adopt(Attempt& attempt) {
  Prepare(attempt);
  Enqueue(attempt);
  UpdatePending();
  OpenForPending();
}

bool H1Pool::CloseOldestIdle() noexcept {
  UpstreamH1Connection* oldest = idle_by_age_.front();
  if (oldest != nullptr) Destroy(*oldest);
  return oldest != nullptr;
}

// Uses a slot that was taken.
void H1Pool::Open(size_t endpoint) {
  PoolEndpoint& place = *places_[endpoint];
  auto* connection = new UpstreamH1Connection(worker_, *this, place.shared);
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

void H1Pool::OpenForPending() {
  if (places_.empty()) return worker_.reactor.Defer(*this);
  while (own_pending_ > 0 && TakeSlot()) {
    Attempt& first = FirstPending();
    const size_t endpoint = Pick(first);
    first.endpoint = places_[endpoint]->shared.get();
    Open(endpoint);
    UpdatePending();
  }
}

void H1Pool::OnConnectDeadline() {
  while (UpstreamH1Connection* connection = connecting_by_age_.front()) {
    if (connection->notes.deadline > worker_.now) break;
    OnConnectFailed(*connection, connection->ConnectTimedOut());
  }
  if (const UpstreamH1Connection* next = connecting_by_age_.front())
    worker_.timers.Arm(connect_deadline_, next->notes.deadline);
}

void H1Pool::OnConnectDone(UpstreamH1Connection& connection) {
  static_cast<base::ListNode<AgeTag>&>(connection).Unlink();
  --connecting_;
  CountConnect(metrics::ConnectResult::kOk);
  connection.endpoint()->Succeeded();
  MakeFree(connection);
  UpdatePending();
}

void H1Pool::OnConnectFailed(UpstreamH1Connection& connection, const Error& error) {
  const std::shared_ptr<EndpointShared> endpoint = connection.endpoint();
  Destroy(connection);
  ConnectFailed(*endpoint, error);
}

void H1Pool::ConnectFailed(EndpointShared& endpoint, const Error& error) {
  --connecting_;
  NoteConnectFailure(endpoint, error);
  if (waiting_ > connecting_) FailWaiter(endpoint, error);
  UpdatePending();
  if (own_pending_ > 0) OpenForPending();
}

// The one it was opened for, if that one still waits; else who came first.
void H1Pool::FailWaiter(EndpointShared& endpoint, const Error& error) {
  Attempt* chosen = nullptr;
  queue_.ForEach([&](Attempt& attempt) {
    if (chosen == nullptr && attempt.endpoint == &endpoint) chosen = &attempt;
  });
  if (chosen == nullptr) chosen = queue_.front();
  StopWaiting(*chosen);
  chosen->endpoint = &endpoint;
  chosen->events.OnAttemptFailed(error);
}

Attempt* H1Pool::WaiterFor(const UpstreamH1Connection& connection) noexcept {
  const bool used = connection.served() > 0;
  const EndpointShared* endpoint = connection.endpoint().get();
  const auto fits = [&](const Attempt& attempt) {
    return !(used && attempt.fresh_connection) && May(attempt, endpoint);
  };
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

void H1Pool::Grant(UpstreamH1Connection& connection, Attempt& attempt) {
  attempt.Unlink();
  --waiting_;
  attempt.endpoint = connection.endpoint().get();
  connection.notes.granted_to = &attempt;
  granted_.PushBack(connection);
  UpdatePending();
  worker_.reactor.Defer(*this);
}

void H1Pool::OnReady(uint32_t) {
  while (UpstreamH1Connection* connection = granted_.PopFront()) {
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
