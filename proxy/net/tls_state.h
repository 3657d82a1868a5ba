// TLS on a transport: the OpenSSL session, its way to the socket, and what is known about both.
// Owned by its Transport.
// One thread: the worker's.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/slab.h"
#include "proxy/net/openssl_ptr.h"
#include "proxy/net/tls_parts.h"
#include "proxy/net/transport.h"

namespace headgate::proxy::net {

struct TlsState {
  explicit TlsState(Transport& transport_in) noexcept : transport(transport_in) {}

  bool StartServer(TlsServerContext& context, base::WallTime now) noexcept;
  bool StartClient(TlsClientContext& context, std::string_view name) noexcept;
  // From the client hello: takes the server name down and switches to its certificate. A second hello (RFC 8446 4.1.2)
  // chooses again.
  void ChooseCertificate();

  IoStatus Handshake() noexcept;
  IoResult Read(std::span<char> into) noexcept;
  IoResult Write(base::Chain& from) noexcept;
  // False when the socket did not take it; to be called again.
  bool SendCloseNotify() noexcept;

  // The BIO's two directions.
  IoResult FromSocket(char* into, size_t length) noexcept;
  IoResult ToSocket(const char* from, size_t length) noexcept;
  bool socket_eof() const noexcept { return transport.eof_; }

  Transport& transport;
  std::shared_ptr<const TlsServerParts> server_parts;  // null: we are the client
  SslPtr ssl;
  std::string server_name;  // as a server: SNI, lower case; as a client: the name that was asked for
  int certificate_index = 0;
  base::WallTime started;  // as a server: certificates' validity is judged by it
  const char* error = "";
  bool more = false;                  // decrypted or buffered bytes may wait within OpenSSL
  bool write_pending = false;         // OpenSSL holds a record that the socket did not take
  IoStatus end = IoStatus::kBlocked;  // kEof, kFailed: reading is over, to be told by the next read

 private:
  bool Prepare(SSL_CTX* context) noexcept;
  void NoteFailure() noexcept;
};

}  // namespace headgate::proxy::net
