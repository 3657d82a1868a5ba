#include "proxy/upstream/connector.h"

#include <utility>

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using net::IoStatus;

namespace {

Error Failure(ErrorCode code, const char* detail) noexcept {
  return {code, base::Side::kUpstream, base::Retry::kSafe, detail};
}

}  // namespace

base::Result<void> Connector::Start(const base::SocketAddress& to, std::shared_ptr<net::TlsClientContext> tls,
                                    std::string_view server_name) {
  tls_ = std::move(tls);
  base::Result<void> started = transport_.Connect(to);
  if (!started.ok()) return started.error();
  if (tls_ == nullptr) return {};
  const bool shakes = server_name.empty() ? transport_.StartClientTls(*tls_, to.ip.ToString())
                                          : transport_.StartClientTls(*tls_, server_name);
  if (!shakes) return Failure(ErrorCode::kUpstreamTls, "no TLS session could be made");
  return {};
}

Connector::Progress Connector::Continue(Error& error) noexcept {
  if (shaking_) return Shake(error);
  switch (transport_.ConnectResult()) {
    case IoStatus::kBlocked:
      return Progress::kWaiting;
    case IoStatus::kEof:
    case IoStatus::kFailed: {
      const bool refused = transport_.connect_refused();
      error = Failure(refused ? ErrorCode::kConnectRefused : ErrorCode::kConnectFailed,
                      refused ? "connection refused" : "no connection to the endpoint");
      return Progress::kFailed;
    }
    case IoStatus::kOk:
      break;
  }
  if (tls_ == nullptr) return Progress::kDone;
  shaking_ = true;
  return Shake(error);
}

Connector::Progress Connector::Shake(Error& error) noexcept {
  switch (transport_.Handshake()) {
    case IoStatus::kBlocked:
      return Progress::kWaiting;
    case IoStatus::kEof:
    case IoStatus::kFailed: {
      const std::string_view why = transport_.tls_error();
      error = Failure(ErrorCode::kUpstreamTls, why.empty() ? "closed within the TLS handshake" : why.data());
      return Progress::kFailed;
    }
    case IoStatus::kOk:
      break;
  }
  return Progress::kDone;
}

Error Connector::TimedOut() const noexcept {
  return Failure(ErrorCode::kConnectTimeout,
                 shaking_ ? "connectTimeout passed within the TLS handshake" : "connectTimeout passed");
}

}  // namespace headgate::proxy
