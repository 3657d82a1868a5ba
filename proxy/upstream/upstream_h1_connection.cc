#include "proxy/upstream/upstream_h1_connection.h"

#include <algorithm>
#include <utility>

#include "base/end.h"
#include "base/limits.h"

namespace headgate::proxy {

using net::IoStatus;

UpstreamH1Connection::UpstreamH1Connection(WorkerContext& worker, UpstreamH1ConnectionOwner& owner,
                                           std::shared_ptr<EndpointShared> endpoint)
    : worker_(worker),
      owner_(owner),
      endpoint_(std::move(endpoint)),
      transport_(worker.reactor, *this),
      connector_(transport_),
      writer_(worker.slabs),
      reader_(worker.slabs) {}

UpstreamH1Connection::~UpstreamH1Connection() { Close(); }

base::Result<void> UpstreamH1Connection::Connect(std::shared_ptr<net::TlsClientContext> tls,
                                                 std::string_view server_name) {
  state_ = State::kConnecting;
  base::Result<void> started = connector_.Start(endpoint_->address, std::move(tls), server_name);
  if (!started.ok()) Close();
  return started;
}

void UpstreamH1Connection::OnConnecting() {
  base::Error error;
  switch (connector_.Continue(error)) {
    case Connector::Progress::kWaiting:
      return;
    case Connector::Progress::kFailed:
      Close();
      return owner_.OnConnectFailed(*this, error);
    case Connector::Progress::kDone:
      state_ = State::kIdle;
      return owner_.OnConnectDone(*this);
  }
}

bool UpstreamH1Connection::Alive() noexcept {
  if (state_ != State::kIdle || transport_.hangup()) return false;
  if (!transport_.maybe_readable()) return true;
  char byte;
  return transport_.Read({&byte, 1}).status == IoStatus::kBlocked;
}

UpstreamStream& UpstreamH1Connection::Lease(Attempt& attempt) noexcept {
  HG_CHECK(state_ == State::kIdle);
  state_ = State::kLeased;
  ++leases_;
  attempt_ = &attempt;
  attempt.endpoint = endpoint_.get();
  attempt.tls_version = transport_.tls_version();
  attempt.reused = served_ > 0;
  upgrade_ = over_ = looked_on_ = head_delivered_ = response_ended_ = false;
  head_ = nullptr;
  keep_alive_ = true;
  interim_ = 0;
  credit_ = 0;
  endpoint_->active.fetch_add(1, std::memory_order_relaxed);
  reader_.Start(attempt.method, attempt.upstream_head_bytes, attempt.arena);
  return *this;
}

void UpstreamH1Connection::Close() noexcept {
  if (state_ == State::kClosed) return;
  if (leased()) {
    endpoint_->active.fetch_sub(1, std::memory_order_relaxed);
    transport_.Close(kReset);
  }
  state_ = State::kClosed;
  attempt_ = nullptr;
  transport_.Close();
  writer_.Reset();
  reader_.Reset();
}

void UpstreamH1Connection::Release() {
  if (!leased()) return;
  const bool clean = state_ == State::kLeased && !over_ && keep_alive_ && writer_.complete() && reader_.finished() &&
                     reader_.ready().empty() && !reader_.excess();
  // Given up: the next tier may take a FIN for a half-close, and work on for nobody.
  if (!writer_.complete() || !reader_.finished()) transport_.Close(kReset);
  endpoint_->active.fetch_sub(1, std::memory_order_relaxed);
  state_ = State::kIdle;
  attempt_ = nullptr;
  ++leases_;
  ++served_;
  writer_.Reset();
  reader_.Reset();
  owner_.OnReleased(*this, clean && Alive());
}

void UpstreamH1Connection::Write() noexcept {
  const net::IoResult result = writer_.Flush(transport_);
  if (result.bytes > 0) attempt_->any_byte_sent = true;
  // The peer may have answered before it stopped reading: what it said is read first.
  if (result.status != IoStatus::kFailed) return;
  writer_.Abort();
  transport_.RequestTurn();
}

void UpstreamH1Connection::SendHead(const http::RequestHead& head, base::End end, bool upgrade) {
  HG_CHECK(state_ == State::kLeased && !writer_.started());
  upgrade_ = upgrade;
  websocket_ = {};
  if (upgrade && head.version == http::Version::kHttp2) websocket_ = MakeWebSocketKey(attempt_->arena);
  writer_.Start(head, end, upgrade, websocket_.key);
  if (end == base::End::kYes || upgrade) return Write();
  transport_.RequestTurn();
}

void UpstreamH1Connection::SendBody(base::Chain& data, base::End end) {
  if (!leased() || over_) return data.Clear();
  writer_.Body(data, end);
  Write();
}

void UpstreamH1Connection::SendTrailers(const http::HeaderMap& trailers) {
  if (!leased() || over_) return;
  writer_.Trailers(trailers);
  Write();
}

void UpstreamH1Connection::SetResponseCredit(size_t bytes) {
  const bool was_stopped = credit_ == 0;
  credit_ = bytes;
  if (was_stopped && bytes > 0 && leased() && !over_ && head_delivered_) transport_.RequestTurn();
}

void UpstreamH1Connection::OnTransportReady() {
  switch (state_) {
    case State::kNew:
    case State::kClosed:
      return;
    case State::kConnecting:
      return OnConnecting();
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
