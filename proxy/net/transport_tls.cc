// The part of Transport that is about TLS.
#include <new>

#include "proxy/net/tls_state.h"
#include "proxy/net/transport.h"

namespace headgate::proxy::net {

bool Transport::StartServerTls(TlsServerContext& context, base::WallTime now) noexcept {
  tls_ = std::make_unique<TlsState>(*this);
  return tls_->StartServer(context, now);
}

bool Transport::StartClientTls(TlsClientContext& context, std::string_view server_name) noexcept {
  tls_ = std::make_unique<TlsState>(*this);
  return tls_->StartClient(context, server_name);
}

IoStatus Transport::Handshake() noexcept { return descriptor_ >= 0 ? tls_->Handshake() : IoStatus::kFailed; }

std::string_view Transport::tls_version() const noexcept {
  return tls_ != nullptr ? SSL_get_version(tls_->ssl.get()) : std::string_view();
}

std::string_view Transport::server_name() const noexcept {
  return tls_ != nullptr ? std::string_view(tls_->server_name) : std::string_view();
}

int Transport::certificate_index() const noexcept { return tls_ != nullptr ? tls_->certificate_index : -1; }

std::string_view Transport::alpn() const noexcept {
  if (tls_ == nullptr) return {};
  const unsigned char* name = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(tls_->ssl.get(), &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}

bool Transport::tls_resumed() const noexcept { return tls_ != nullptr && SSL_session_reused(tls_->ssl.get()) == 1; }

std::string_view Transport::tls_error() const noexcept {
  return tls_ != nullptr ? std::string_view(tls_->error) : std::string_view();
}

}  // namespace headgate::proxy::net
