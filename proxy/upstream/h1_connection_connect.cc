// How a connection comes to be: TCP, then TLS where the upstream wants it.
#include <string_view>
#include <utility>

#include "proxy/upstream/h1_connection.h"

namespace headgate::proxy {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;
using net::IoStatus;

base::Result<void> H1Connection::Connect(std::shared_ptr<net::TlsClientContext> tls, std::string_view server_name) {
  tls_ = std::move(tls);
  state_ = State::kConnecting;
  base::Result<void> started = transport_.Connect(endpoint_->address);
  if (!started.ok()) {
    Close();
    return started.error();
  }
  if (tls_ != nullptr && !transport_.StartClientTls(*tls_, server_name)) {
    Close();
    return Error{ErrorCode::kUpstreamTls, Side::kUpstream, Retry::kSafe, "no TLS session could be made"};
  }
  return {};
}

void H1Connection::OnConnecting() {
  switch (transport_.ConnectResult()) {
    case IoStatus::kBlocked:
      return;
    case IoStatus::kEof:
    case IoStatus::kFailed: {
      const bool refused = transport_.connect_refused();
      return FailConnect({refused ? ErrorCode::kConnectRefused : ErrorCode::kConnectFailed, Side::kUpstream,
                          Retry::kSafe, refused ? "connection refused" : "no connection to the endpoint"});
    }
    case IoStatus::kOk:
      break;
  }
  if (tls_ != nullptr) {
    state_ = State::kHandshaking;
    return OnHandshaking();
  }
  state_ = State::kIdle;
  owner_.OnConnectDone(*this);
}

void H1Connection::OnHandshaking() {
  switch (transport_.Handshake()) {
    case IoStatus::kBlocked:
      return;
    case IoStatus::kEof:
    case IoStatus::kFailed: {
      const std::string_view why = transport_.tls_error();
      const char* detail = why.empty() ? "closed within the TLS handshake" : why.data();
      return FailConnect({ErrorCode::kUpstreamTls, Side::kUpstream, Retry::kSafe, detail});
    }
    case IoStatus::kOk:
      break;
  }
  state_ = State::kIdle;
  owner_.OnConnectDone(*this);
}

void H1Connection::FailConnect(const Error& error) {
  Close();
  owner_.OnConnectFailed(*this, error);
}

}  // namespace headgate::proxy
