// The pool's other half: attempts that wait, connections that are being opened, and slots shared with other workers.
#include <utility>

#include "proxy/upstream/h2_pool.h"

namespace headgate::proxy {

using base::Error;

base::Result<UpstreamStream*> H2Pool::Wait(Attempt& attempt, H2Place& place) {
  if (place.expects_room()) {
    Enqueue(attempt);
    Expect(attempt, place);
    return static_cast<UpstreamStream*>(nullptr);
  }
  if (TakeSlot()) {
    Enqueue(attempt);
    Open(place);
    Expect(attempt, place);
    return static_cast<UpstreamStream*>(nullptr);
  }
  UpstreamH2Connection* other =
      own_pending_ == 0 && attempt.wanted == nullptr ? ChooseAnywhere(attempt.avoid) : nullptr;
  if (other != nullptr) return &Lease(*other, attempt);
  if (!TakePending()) return Overload(kFull);
  Enqueue(attempt);
  UpdatePending();
  return static_cast<UpstreamStream*>(nullptr);
}

bool H2Pool::Abandon(Attempt& attempt) noexcept {
  if (attempt.linked()) {
    Leave(attempt);
    return true;
  }
  UpstreamH2Stream* freed = nullptr;
  granted_.ForEach([&](UpstreamH2Stream& stream) {
    if (stream.attempt() == &attempt) freed = &stream;
  });
  if (freed == nullptr) return false;
  attempt.waiting_in = nullptr;
  freed->Release();
  return true;
}

Attempt* H2Pool::HandOver() noexcept {
  Attempt* attempt = queue_.front();
  if (attempt != nullptr) Leave(*attempt);
  return attempt;
}

void H2Pool::Adopt(Attempt& attempt) {
  Prepare(attempt);
  Enqueue(attempt);
  UpdatePending();
  worker_.reactor.Defer(*this);
}

bool H2Pool::CloseOldestIdle() noexcept {
  UpstreamH2Connection* oldest = idle_by_age_.front();
  if (oldest != nullptr) Destroy(*oldest);
  return oldest != nullptr;
}

H2Place* H2Pool::PlaceOf(const EndpointShared* endpoint) noexcept {
  for (const std::unique_ptr<H2Place>& place : places_) {
    if (place->shared.get() == endpoint) return place.get();
  }
  return nullptr;
}

void H2Pool::Expect(Attempt& attempt, H2Place& place) noexcept {
  attempt.endpoint = place.shared.get();
  ++place.expected;
  ++expected_;
  UpdatePending();
}

void H2Pool::ExpectNothing(Attempt& attempt) noexcept {
  if (attempt.endpoint == nullptr) return;
  if (H2Place* place = PlaceOf(attempt.endpoint)) --place->expected;
  attempt.endpoint = nullptr;
  --expected_;
}

void H2Pool::Leave(Attempt& attempt) noexcept {
  ExpectNothing(attempt);
  StopWaiting(attempt);
}

// Uses a slot that was taken.
void H2Pool::Open(H2Place& place) {
  auto* connection = new UpstreamH2Connection(worker_, *this, place.shared);
  const base::Duration timeout = policy_->connections.connect_timeout;
  connection->notes.place = &place;
  connection->notes.generation = generation_;
  connection->notes.opened = worker_.now;
  connection->notes.deadline = worker_.now + timeout;
  connection->notes.expires = Expiry();
  all_.PushBack(*connection);
  connecting_by_age_.PushBack(*connection);
  ++connecting_;
  ++place.connecting;
  ArmSweep();
  const base::Result<void> started = connection->Connect(tls_, ServerName(), timeout);
  if (!started.ok()) {
    failures_.push_back({place.shared, started.error()});
    Destroy(*connection);
    return worker_.reactor.Defer(*this);
  }
  if (!connect_deadline_.armed()) worker_.timers.Arm(connect_deadline_, connecting_by_age_.front()->notes.deadline);
}

// One connection serves many: who waits for room is expected there, as far as it goes.
void H2Pool::OpenForPending() {
  if (places_.empty()) return worker_.reactor.Defer(*this);
  while (own_pending_ > 0 && TakeSlot()) {
    Attempt* first = nullptr;
    queue_.ForEach([&](Attempt& attempt) {
      if (first == nullptr && attempt.endpoint == nullptr) first = &attempt;
    });
    if (first == nullptr) return GiveSlot();
    H2Place& place = *places_[Pick(*first)];
    Open(place);
    queue_.ForEach([&](Attempt& attempt) {
      const EndpointShared* endpoint = place.shared.get();
      const bool fits =
          &attempt == first || (place.expects_room() && attempt.avoid != endpoint && May(attempt, endpoint));
      if (attempt.endpoint == nullptr && fits) Expect(attempt, place);
    });
  }
}

void H2Pool::OnConnectDeadline() {
  while (UpstreamH2Connection* connection = connecting_by_age_.front()) {
    if (connection->notes.deadline > worker_.now) break;
    OnConnectFailed(*connection, connection->ConnectTimedOut());
  }
  if (const UpstreamH2Connection* next = connecting_by_age_.front())
    worker_.timers.Arm(connect_deadline_, next->notes.deadline);
}

void H2Pool::OnConnectDone(UpstreamH2Connection& connection) {
  static_cast<base::ListNode<AgeTag>&>(connection).Unlink();
  --connecting_;
  CountConnect(metrics::ConnectResult::kOk);
  connection.endpoint()->Succeeded();
  if (H2Place* place = connection.notes.place) {
    --place->connecting;
    place->connections.PushBack(connection);
  }
  CloseIfUnused(connection);
  if (waiting_ > 0) worker_.reactor.Defer(*this);
}

void H2Pool::OnConnectFailed(UpstreamH2Connection& connection, const Error& error) {
  const std::shared_ptr<EndpointShared> endpoint = connection.endpoint();
  if (H2Place* place = connection.notes.place) --place->connecting;
  --connecting_;
  Destroy(connection);
  ConnectFailed(endpoint, error);
}

// All that was expected of the endpoint fails, unless another connection to it is on its way or has room.
void H2Pool::ConnectFailed(const std::shared_ptr<EndpointShared>& endpoint, const Error& error) {
  NoteConnectFailure(*endpoint, error);
  H2Place* place = PlaceOf(endpoint.get());
  base::IntrusiveList<Attempt, PendingTag> failed;
  if (place != nullptr && place->connecting == 0 && Choose(*place, false) == nullptr) {
    queue_.ForEach([&](Attempt& attempt) {
      if (attempt.endpoint != endpoint.get()) return;
      Leave(attempt);
      failed.PushBack(attempt);
    });
  }
  while (Attempt* attempt = failed.PopFront()) {
    attempt->endpoint = endpoint.get();
    attempt->events.OnAttemptFailed(error);
  }
  if (waiting_ > 0) worker_.reactor.Defer(*this);
}

// What the attempt expects comes first, else any room will do. Null: it goes on waiting.
UpstreamH2Connection* H2Pool::ConnectionFor(Attempt& attempt) noexcept {
  if (attempt.endpoint != nullptr) {
    H2Place* place = PlaceOf(attempt.endpoint);
    UpstreamH2Connection* connection = place != nullptr ? Choose(*place, attempt.fresh_connection) : nullptr;
    if (connection != nullptr || (place != nullptr && place->connecting > 0)) return connection;
    ExpectNothing(attempt);
  }
  if (attempt.wanted != nullptr) {
    H2Place* place = PlaceOf(attempt.wanted);
    return place != nullptr ? Choose(*place, attempt.fresh_connection) : nullptr;
  }
  return ChooseAnywhere(attempt.avoid);
}

void H2Pool::GrantAll() {
  bool full = false;  // no room anywhere
  queue_.ForEach([&](Attempt& attempt) {
    const bool anywhere = attempt.endpoint == nullptr && attempt.wanted == nullptr;
    if (full && anywhere) return;
    UpstreamH2Connection* connection = ConnectionFor(attempt);
    if (connection == nullptr) {
      full = full || anywhere;
      return;
    }
    Leave(attempt);
    attempt.waiting_in = &cluster_;
    granted_.PushBack(Lease(*connection, attempt));
  });
  UpdatePending();
  while (UpstreamH2Stream* stream = granted_.PopFront()) {
    Attempt& attempt = *stream->attempt();
    attempt.waiting_in = nullptr;
    attempt.events.OnConnected(*stream);
  }
}

void H2Pool::FailWithoutEndpoints() {
  while (places_.empty() && own_pending_ > 0) {
    Attempt& attempt = *queue_.front();
    Leave(attempt);
    attempt.events.OnAttemptFailed(NoEndpoint("the upstream's endpoints are gone"));
  }
}

void H2Pool::OnReady(uint32_t) {
  const std::vector<Failure> failures = std::exchange(failures_, {});
  for (const Failure& failure : failures) {
    --connecting_;
    if (H2Place* place = PlaceOf(failure.endpoint.get())) --place->connecting;
    ConnectFailed(failure.endpoint, failure.error);
  }
  GrantAll();
  FailWithoutEndpoints();
  if (own_pending_ > 0) OpenForPending();
}

}  // namespace headgate::proxy
