// A client's connection until its protocol is known: a PROXY header where the peer is to send one, the TLS handshake
// with ALPN, or the HTTP/2 preface (RFC 9113 3.3) on a plain listener that takes it. Owned by its listener's list;
// passes the transport on and is buried in the worker's graveyard. One thread: the worker's.
//
//   kProxyHeader -- read --> kTls, kPreface or DownstreamH1Connection
//                -- malformed, 1 s without it --> kClosed
//   kTls     -- done, ALPN h2 ----------------> DownstreamH2Connection
//            -- done, http/1.1 or no ALPN ----> DownstreamH1Connection
//            -- failed, limits.tlsHandshake --> kClosed
//   kPreface -- 24 bytes of it ---------------> DownstreamH2Connection
//            -- another byte -----------------> DownstreamH1Connection
//            -- limits.keepAlive without a byte, limits.headTimeout after the first --> kClosed
#pragma once

#include <memory>

#include "base/timer_wheel.h"
#include "proxy/downstream/accepted_connection.h"
#include "proxy/downstream/connection_gauge.h"
#include "proxy/downstream/listener.h"
#include "proxy/net/graveyard.h"
#include "proxy/net/transport.h"

namespace headgate::proxy {

class DownstreamHandshake final : public net::Mortal, public ListenerConnection, private net::TransportOwner {
 public:
  // Takes over an accepted descriptor. `listener` outlives the connection.
  static void Start(Listener& listener, net::ListenSocket::Accepted from, ClientPlaces::Place place);

  // ListenerConnection: drain and shutdown.
  void BeginDrain() override {}
  void CloseIfIdle() override;
  bool finishing() const override { return state_ == State::kClosed; }
  void CloseNow() override { Close(true); }

 private:
  enum class State : uint8_t { kProxyHeader, kTls, kPreface, kClosed };

  DownstreamHandshake(Listener& listener, AcceptedConnection accepted, State state);
  void OnTransportReady() override;
  void ReadProxyHeader();
  void ProxyHeaderDone();
  void RefuseProxyHeader(const char* reason);
  void ContinueTls();
  void TlsDone();
  void ReadPreface();
  void OnTimer();
  void SetDeadline(base::Instant deadline);
  void Become(bool http2);
  void Leave();
  void Close(bool reset);

  WorkerContext& worker() noexcept { return listener_.services().worker; }

  Listener& listener_;
  AcceptedConnection accepted_;
  State state_;
  std::optional<ConnectionGauge> gauge_;
  base::Timer timer_;
};

}  // namespace headgate::proxy
