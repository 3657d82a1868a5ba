#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proxy/net/pem.h"
#include "proxy/net/tls_parts.h"
#include "proxy/net/tls_state.h"

namespace headgate::proxy::net {

namespace {

void FreeSession(void*, void* slot, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<ClientSession*>(slot); }

// The slot lives as long as the SSL_CTX, which sessions keep alive when the TlsClientContext is gone.
int SessionIndex() noexcept {
  static const int kIndex = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, FreeSession);
  return kIndex;
}

// Returns 1: the session is ours now.
int OnNewSession(SSL* ssl, SSL_SESSION* session) {
  const auto* state = static_cast<const TlsState*>(SSL_get_app_data(ssl));
  ClientSession& slot = SessionOf(SSL_get_SSL_CTX(ssl));
  slot.server_name = state->server_name;
  slot.session.reset(session);
  return 1;
}

absl::Status SetTrust(SSL_CTX* context, const routing::UpstreamTlsPolicy& policy) {
  if (!policy.verify) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return absl::OkStatus();
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (policy.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return absl::OkStatus();
    return absl::InternalError(absl::StrCat("the system's certificate store: ", TakeOpensslReason()));
  }
  const absl::StatusOr<std::string> text = ReadWholeFile(policy.ca_file);
  if (!text.ok()) return text.status();
  const absl::StatusOr<std::vector<X509Ptr>> authorities = ParseCertificates(*text, policy.ca_file);
  if (!authorities.ok()) return authorities.status();
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const X509Ptr& authority : *authorities) {
    if (X509_STORE_add_cert(store, authority.get()) == 1) continue;
    return absl::InvalidArgumentError(absl::StrCat(policy.ca_file, ": ", TakeOpensslReason()));
  }
  // Who names an intermediate or the server's own certificate means just that one.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return absl::OkStatus();
}

absl::Status SetOwnCertificate(SSL_CTX* context, const routing::UpstreamTlsPolicy& policy) {
  if (policy.cert_file.empty()) return absl::OkStatus();
  const absl::StatusOr<std::string> cert_text = ReadWholeFile(policy.cert_file);
  if (!cert_text.ok()) return cert_text.status();
  absl::StatusOr<std::string> key_text = ReadWholeFile(policy.key_file);
  if (!key_text.ok()) return key_text.status();
  const absl::StatusOr<std::vector<X509Ptr>> chain = ParseCertificates(*cert_text, policy.cert_file);
  if (!chain.ok()) return chain.status();
  const absl::StatusOr<KeyPtr> key = ParsePrivateKey(*key_text, policy.key_file);
  OPENSSL_cleanse(key_text->data(), key_text->size());
  if (!key.ok()) return key.status();
  return UseCertificate(context, *chain, key->get(), policy.cert_file, policy.key_file);
}

}  // namespace

ClientSession& SessionOf(SSL_CTX* context) noexcept {
  return *static_cast<ClientSession*>(SSL_CTX_get_ex_data(context, SessionIndex()));
}

absl::StatusOr<std::unique_ptr<TlsClientContext>> TlsClientContext::Build(const routing::UpstreamTlsPolicy& policy,
                                                                          std::span<const std::string_view> alpn) {
  SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  auto slot = std::make_unique<ClientSession>();
  if (context == nullptr || SSL_CTX_set_ex_data(context.get(), SessionIndex(), slot.get()) != 1) {
    return absl::InternalError(absl::StrCat("OpenSSL: ", TakeOpensslReason()));
  }
  slot.release();  // FreeSession's now
  absl::Status status = SetCommonOptions(context.get(), routing::TlsVersion::kTls12);
  if (status.ok()) status = SetTrust(context.get(), policy);
  if (status.ok()) status = SetOwnCertificate(context.get(), policy);
  if (!status.ok()) return status;
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), OnNewSession);
  const std::string list = AlpnList(alpn);
  // Returns 0 for success, unlike its neighbours.
  if (!list.empty() && SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(list.data()),
                                               static_cast<unsigned int>(list.size())) != 0) {
    return absl::InternalError(absl::StrCat("OpenSSL: ", TakeOpensslReason()));
  }
  return std::unique_ptr<TlsClientContext>(new TlsClientContext(context.release(), policy.verify));
}

TlsClientContext::~TlsClientContext() { SSL_CTX_free(context_); }

}  // namespace headgate::proxy::net
