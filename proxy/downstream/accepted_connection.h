// An accepted connection on its way to whoever speaks its protocol, and who is at its other end.
// A value that is handed over: listener, handshake, then the HTTP/1 or HTTP/2 connection.
// One thread: the worker's.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>

#include "base/clock.h"
#include "base/ip.h"
#include "base/slab.h"
#include "proxy/exchange/downstream_stream.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/transport.h"
#include "proxy/shared/client_places.h"

namespace headgate::proxy {

// How long a drain waits for the first byte and the first request of a connection that it finds new.
inline constexpr base::Duration kFreshFor = std::chrono::seconds(1);

struct AcceptedConnection {
  std::unique_ptr<net::Transport> transport;
  base::SocketAddress peer;
  ClientPlaces::Place place;  // among its address's connections; with limits.maxConnectionsPerClient
  base::Instant accepted{};
  std::shared_ptr<const net::CertificateSet> certificates;  // that the handshake chose from; null: plain
  // What was read to learn the protocol.
  base::SlabRef input;
  size_t input_bytes = 0;
};

// What a connection tells its exchanges of the client. Part of a connection; does not move.
class ClientIdentity {
 public:
  // Takes the connection's place over.
  explicit ClientIdentity(AcceptedConnection& accepted);
  ClientIdentity(const ClientIdentity&) = delete;
  ClientIdentity& operator=(const ClientIdentity&) = delete;
  const ClientInfo& info() const noexcept { return info_; }

 private:
  ClientInfo info_;
  std::array<char, base::IpAddress::kTextMax> peer_text_;
  std::shared_ptr<const net::CertificateSet> certificates_;  // keeps info_.certificates
  ClientPlaces::Place place_;
};

}  // namespace headgate::proxy
