#include "proxy/downstream/downstream_handshake.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/limits.h"
#include "proxy/downstream/downstream_h1_connection.h"
#include "proxy/downstream/downstream_h2_connection.h"
#include "proxy/net/proxy_protocol.h"

namespace headgate::proxy {

using metrics::ConnectionState;
using metrics::TlsHandshake;
using net::IoStatus;

namespace {

constexpr base::Duration kProxyHeaderWait = std::chrono::seconds(1);
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

TlsHandshake FailureOf(std::string_view error) noexcept {
  const bool version =
      error.find("version") != std::string_view::npos || error.find("unsupported protocol") != std::string_view::npos;
  if (version) return TlsHandshake::kVersion;
  // "no shared cipher", "no suitable signature algorithm", "no suitable key share"
  const bool nothing_in_common =
      error.find("no shared") != std::string_view::npos || error.find("no suitable") != std::string_view::npos;
  if (nothing_in_common || error.find("cipher") != std::string_view::npos) return TlsHandshake::kCipher;
  if (error.find("alert") != std::string_view::npos) return TlsHandshake::kCertificateRefused;
  return TlsHandshake::kProtocol;
}

}  // namespace

DownstreamHandshake::DownstreamHandshake(Listener& listener, AcceptedConnection accepted, State state)
    : listener_(listener),
      accepted_(std::move(accepted)),
      state_(state),
      gauge_(std::in_place, listener, state == State::kTls ? ConnectionState::kActive : ConnectionState::kIdle),
      timer_([](void* self) { static_cast<DownstreamHandshake*>(self)->OnTimer(); }, this) {}

void DownstreamHandshake::Start(Listener& listener, net::ListenSocket::Accepted from, ClientPlaces::Place place) {
  WorkerContext& worker = listener.services().worker;
  AcceptedConnection accepted{.transport = std::make_unique<net::Transport>(worker.reactor),
                              .peer = from.peer,
                              .place = std::move(place),
                              .accepted = worker.now,
                              .certificates = listener.certificates(),
                              .input = {}};
  if (!accepted.transport->Attach(from.descriptor)) return listener.Removed();
  const auto wait = [&listener](DownstreamHandshake* handshake, base::Duration most) {
    handshake->accepted_.transport->SetOwner(*handshake);
    listener.Added(*handshake);
    handshake->SetDeadline(listener.services().worker.now + most);
  };
  if (listener.SendsProxyHeader(from.peer.ip)) {
    return wait(new DownstreamHandshake(listener, std::move(accepted), State::kProxyHeader), kProxyHeaderWait);
  }
  net::TlsServerContext* tls = listener.tls();
  if (tls == nullptr && !listener.policy().protocols.h2) {
    return DownstreamH1Connection::Start(listener, std::move(accepted));
  }
  if (tls != nullptr && !accepted.transport->StartServerTls(*tls, worker.wall_now)) return listener.Removed();
  const routing::LimitsPolicy& limits = listener.policy().limits;
  wait(new DownstreamHandshake(listener, std::move(accepted), tls != nullptr ? State::kTls : State::kPreface),
       tls != nullptr ? limits.tls_handshake : limits.keep_alive);
}

void DownstreamHandshake::SetDeadline(base::Instant deadline) { worker().timers.Arm(timer_, deadline); }

void DownstreamHandshake::OnTransportReady() {
  switch (state_) {
    case State::kProxyHeader:
      return ReadProxyHeader();
    case State::kTls:
      return ContinueTls();
    case State::kPreface:
      return ReadPreface();
    case State::kClosed:
      return;
  }
}

// The header is looked at before it is taken: what follows it is for TLS or the decoder.
void DownstreamHandshake::ReadProxyHeader() {
  std::array<char, net::kProxyHeaderMax> bytes;
  const net::IoResult peeked = accepted_.transport->Peek(bytes);
  if (peeked.status == IoStatus::kBlocked) return;
  if (peeked.status != IoStatus::kOk) return Close(false);
  const net::ProxyHeaderResult result = net::ParseProxyHeader({bytes.data(), peeked.bytes});
  switch (result.kind) {
    case net::ProxyHeaderResult::Kind::kMore:
      return;
    case net::ProxyHeaderResult::Kind::kBad:
      return RefuseProxyHeader(result.reason);
    case net::ProxyHeaderResult::Kind::kDone:
      break;
  }
  const net::IoResult taken = accepted_.transport->Read({bytes.data(), result.header.bytes});
  if (taken.status != IoStatus::kOk || taken.bytes != result.header.bytes) return Close(false);
  if (result.header.parties) {
    accepted_.peer = result.header.parties->source;
    if (!listener_.TakeClientPlace(accepted_.peer.ip, accepted_.place)) return Close(true);
  }
  ProxyHeaderDone();
}

// As for a connection that was just accepted, but what came behind the header is no new event.
void DownstreamHandshake::ProxyHeaderDone() {
  const routing::LimitsPolicy& limits = listener_.policy().limits;
  if (net::TlsServerContext* tls = listener_.tls()) {
    accepted_.certificates = listener_.certificates();
    if (!accepted_.transport->StartServerTls(*tls, worker().wall_now)) return Close(false);
    state_ = State::kTls;
    gauge_->Set(ConnectionState::kActive);
    SetDeadline(worker().now + limits.tls_handshake);
    return ContinueTls();
  }
  if (!listener_.policy().protocols.h2) return Become(false);
  state_ = State::kPreface;
  SetDeadline(worker().now + limits.keep_alive);
  ReadPreface();
}

void DownstreamHandshake::RefuseProxyHeader(const char* reason) {
  listener_.NoteProxyHeaderRefused(accepted_.peer, reason);
  Close(false);
}

void DownstreamHandshake::ContinueTls() {
  const IoStatus status = accepted_.transport->Handshake();
  if (status == IoStatus::kBlocked) return;
  if (status == IoStatus::kOk) return TlsDone();
  const std::string_view error = accepted_.transport->tls_error();
  const TlsHandshake failure = status == IoStatus::kEof || error.empty() ? TlsHandshake::kClosed : FailureOf(error);
  worker().shard.Add(worker().series.tls_handshakes[metrics::Index(failure)]);
  Close(false);
}

void DownstreamHandshake::TlsDone() {
  const bool tls13 = accepted_.transport->tls_version() == "TLSv1.3";
  const TlsHandshake done = metrics::TlsHandshakeDone(tls13, accepted_.transport->tls_resumed());
  worker().shard.Add(worker().series.tls_handshakes[metrics::Index(done)]);
  Become(accepted_.transport->alpn() == "h2");
}

void DownstreamHandshake::ReadPreface() {
  if (!accepted_.input) accepted_.input = worker().slabs.Take();
  base::SlabRef& input = accepted_.input;
  const net::IoResult result =
      accepted_.transport->Read({input->data() + accepted_.input_bytes, input->size() - accepted_.input_bytes});
  if (result.status == IoStatus::kBlocked) {
    if (accepted_.input_bytes == 0) input.reset();
    return;
  }
  if (result.status != IoStatus::kOk) return Close(false);
  if (accepted_.input_bytes == 0) SetDeadline(worker().now + listener_.policy().limits.head_timeout);
  gauge_->Set(ConnectionState::kActive);
  accepted_.input_bytes += result.bytes;
  const size_t known = std::min(accepted_.input_bytes, kPreface.size());
  if (std::string_view(input->data(), known) != kPreface.substr(0, known)) return Become(false);
  if (known == kPreface.size()) return Become(true);
  accepted_.transport->RequestTurn();
}

void DownstreamHandshake::Become(bool http2) {
  const routing::ListenerPolicy& policy = listener_.policy();
  if (http2 ? !policy.protocols.h2 : !policy.protocols.http1) return Close(false);
  Leave();
  if (http2) return DownstreamH2Connection::Start(listener_, std::move(accepted_));
  DownstreamH1Connection::Start(listener_, std::move(accepted_));
}

// Out of the listener's list, but with its place.
void DownstreamHandshake::Leave() {
  state_ = State::kClosed;
  timer_.Disarm();
  gauge_.reset();
  static_cast<ListenerConnection*>(this)->Unlink();
  worker().graveyard.Bury(std::unique_ptr<net::Mortal>(this));
}

void DownstreamHandshake::OnTimer() {
  if (state_ == State::kProxyHeader) return RefuseProxyHeader("no PROXY header came within 1 s");
  if (state_ == State::kTls) {
    worker().shard.Add(worker().series.tls_handshakes[metrics::Index(TlsHandshake::kTimeout)]);
  }
  Close(false);
}

// A connection that was made a moment ago has a request on its way.
void DownstreamHandshake::CloseIfIdle() {
  if (state_ != State::kPreface || accepted_.input_bytes > 0) return;
  const base::Instant fresh_until = accepted_.accepted + kFreshFor;
  if (worker().now >= fresh_until) return Close(false);
  SetDeadline(fresh_until);
}

void DownstreamHandshake::Close(bool reset) {
  if (state_ == State::kClosed) return;
  accepted_.transport->Close(reset);
  Leave();
  listener_.Removed();
}

}  // namespace headgate::proxy
