// What TLS sessions need of the context they were made from, also after its owner is gone.
// Owned by the context and by the sessions' transports.
// One thread: the worker's that the context was built for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/net/openssl_ptr.h"
#include "proxy/net/tls_context.h"

namespace headgate::proxy::net {

struct TlsServerParts {
  // Makes one SSL_CTX per certificate; they differ in nothing else.
  absl::Status Build(routing::TlsVersion min_version);

  std::shared_ptr<const CertificateSet> certificates;
  const TicketKeys* tickets = nullptr;
  std::string alpn;  // as in the extension: each name behind its length (RFC 7301 3.1)
  std::vector<SslContextPtr> contexts;
};

// The last session of an upstream, to be resumed by the next connection to the same name.
struct ClientSession {
  std::string server_name;
  SessionPtr session;
};

// The ClientSession that a client's context keeps.
ClientSession& SessionOf(SSL_CTX* context) noexcept;

// What both directions set: versions, ciphers, groups, no compression, no renegotiation, small buffers.
absl::Status SetCommonOptions(SSL_CTX* context, routing::TlsVersion min_version);

// The ALPN extension's list (RFC 7301 3.1). Names of 1 to 255 bytes.
std::string AlpnList(std::span<const std::string_view> names);

}  // namespace headgate::proxy::net
