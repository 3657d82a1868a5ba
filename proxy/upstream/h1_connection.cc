#include "proxy/upstream/h1_connection.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;
using net::IoStatus;

namespace {

Error UpstreamError(ErrorCode code, Retry retry, const char* detail) noexcept {
  return {code, Side::kUpstream, retry, detail};
}

}  // namespace

H1Connection::H1Connection(WorkerContext& worker, H1ConnectionOwner& owner, std::shared_ptr<EndpointShared> endpoint)
    : worker_(worker),
      owner_(owner),
      endpoint_(std::move(endpoint)),
      transport_(worker.reactor, *this),
      writer_(worker.slabs),
      reader_(worker.slabs) {}

H1Connection::~H1Connection() { Close(); }

Error H1Connection::ConnectTimedOut() const noexcept {
  return UpstreamError(
      ErrorCode::kConnectTimeout, Retry::kSafe,
      state_ == State::kHandshaking ? "connectTimeout passed within the TLS handshake" : "connectTimeout passed");
}

bool H1Connection::Alive() noexcept {
  if (state_ != State::kIdle || transport_.hangup()) return false;
  if (!transport_.maybe_readable()) return true;
  char byte;
  return transport_.Read({&byte, 1}).status == IoStatus::kBlocked;
}

UpstreamStream& H1Connection::Lease(Attempt& attempt) noexcept {
  HG_CHECK(state_ == State::kIdle);
  state_ = State::kLeased;
  ++leases_;
  attempt_ = &attempt;
  attempt.endpoint = endpoint_.get();
  attempt.reused = served_ > 0;
  upgrade_ = over_ = head_delivered_ = response_ended_ = false;
  keep_alive_ = true;
  interim_ = 0;
  credit_ = 0;
  endpoint_->active.fetch_add(1, std::memory_order_relaxed);
  reader_.Start(attempt.method, attempt.upstream_head_bytes, attempt.arena);
  return *this;
}

void H1Connection::Close() noexcept {
  if (state_ == State::kClosed) return;
  if (leased()) endpoint_->active.fetch_sub(1, std::memory_order_relaxed);
  state_ = State::kClosed;
  attempt_ = nullptr;
  transport_.Close();
  writer_.Reset();
  reader_.Reset();
}

void H1Connection::Release() {
  if (!leased()) return;
  const bool clean = state_ == State::kLeased && !over_ && keep_alive_ && writer_.complete() && reader_.finished() &&
                     reader_.ready().empty() && !reader_.excess();
  endpoint_->active.fetch_sub(1, std::memory_order_relaxed);
  state_ = State::kIdle;
  attempt_ = nullptr;
  ++leases_;
  ++served_;
  writer_.Reset();
  reader_.Reset();
  owner_.OnReleased(*this, clean && Alive());
}

void H1Connection::Write() noexcept {
  const net::IoResult result = writer_.Flush(transport_);
  if (result.bytes > 0) attempt_->any_byte_sent = true;
  // The peer may have answered before it stopped reading: what it said is read first.
  if (result.status != IoStatus::kFailed) return;
  writer_.Abort();
  transport_.RequestTurn();
}

void H1Connection::SendHead(const http::RequestHead& head, bool end, bool upgrade) {
  HG_CHECK(state_ == State::kLeased && !writer_.started());
  upgrade_ = upgrade;
  writer_.Start(head, end, upgrade);
  if (end || upgrade) return Write();
  transport_.RequestTurn();
}

void H1Connection::SendBody(base::Chain& data, bool end) {
  if (!leased() || over_) return data.Clear();
  writer_.Body(data, end);
  Write();
}

void H1Connection::SendTrailers(const http::HeaderMap& trailers) {
  if (!leased() || over_) return;
  writer_.Trailers(trailers);
  Write();
}

void H1Connection::SetResponseCredit(size_t bytes) {
  const bool was_stopped = credit_ == 0;
  credit_ = bytes;
  if (was_stopped && bytes > 0 && leased() && !over_ && head_delivered_) transport_.RequestTurn();
}

void H1Connection::OnTransportReady() {
  switch (state_) {
    case State::kNew:
    case State::kClosed:
      return;
    case State::kConnecting:
      return OnConnecting();
    case State::kHandshaking:
      return OnHandshaking();
    case State::kIdle:
      if (!Alive()) owner_.OnIdleClosed(*this);
      return;
    case State::kLeased:
    case State::kTunnel:
      if (Flush()) Receive();
      return;
  }
}

}  // namespace headgate::proxy
