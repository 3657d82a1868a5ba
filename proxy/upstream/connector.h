// How a connection to an endpoint comes to be: TCP, then TLS where the upstream wants it, then the protocol's name.
// Owned by a connection, whose transport it drives.
// One thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "base/ip.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/transport.h"

namespace headgate::proxy {

class Connector {
 public:
  enum class Progress : uint8_t { kWaiting, kDone, kFailed };

  explicit Connector(net::Transport& transport) noexcept : transport_(transport) {}

  // Starts connecting; `tls` may be null. Without a server name the certificate has to be for the IP address. An error
  // means that it failed at once.
  base::Result<void> Start(const base::SocketAddress& to, std::shared_ptr<net::TlsClientContext> tls,
                           std::string_view server_name);
  // Goes on when the transport is ready. kFailed: `error` says why.
  Progress Continue(base::Error& error) noexcept;
  // Why a connect that was given up had not succeeded yet.
  base::Error TimedOut() const noexcept;

 private:
  Progress Shake(base::Error& error) noexcept;

  net::Transport& transport_;
  std::shared_ptr<net::TlsClientContext> tls_;
  bool shaking_ = false;  // hands, by TLS
};

}  // namespace headgate::proxy
