#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/crypto/random.h"
#include "proxy/net/certificate_parts.h"
#include "proxy/net/pem.h"
#include "proxy/net/tls_parts.h"
#include "proxy/net/tls_state.h"

namespace headgate::proxy::net {

namespace {

// Sessions may be resumed at any listener, worker and generation: what differs between listeners is judged per
// request, by the server name of this handshake.
constexpr unsigned char kSessionContext[] = "headgate";
constexpr long kSessionSeconds = 24 * 3600;  // a ticket's key is accepted for 24 to 36 h
// A browser opens several connections; OpenSSL makes one new ticket when one was used.
constexpr size_t kTickets = 2;

const EVP_CIPHER* TicketCipher() noexcept {
  static EVP_CIPHER* const kCipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return kCipher;
}

bool Initialise(const TicketKeys::Key& key, unsigned char* vector, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                bool encrypt) noexcept {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  return EVP_CipherInit_ex(cipher, TicketCipher(), nullptr, key.cipher_key.data(), vector, encrypt ? 1 : 0) == 1 &&
         EVP_MAC_init(mac, key.mac_key.data(), key.mac_key.size(), parameters) == 1;
}

// OpenSSL's convention: 0 full handshake, 1 ticket fine, 2 fine but due for renewal, below 0 an error.
int OnTicket(SSL* ssl, unsigned char* name, unsigned char* vector, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
             int encrypt) {
  const auto* state = static_cast<const TlsState*>(SSL_get_app_data(ssl));
  TicketKeys::Key key;
  int result = 1;
  if (encrypt != 0) {
    key = state->server_parts->tickets->Newest();
    std::memcpy(name, key.name.data(), key.name.size());
    base::RandomBytes(std::span(vector, 16));
  } else {
    bool newest = false;
    if (!state->server_parts->tickets->Find(std::span<const uint8_t, 16>(name, 16), key, newest)) return 0;
    // In TLS 1.3 a client uses a ticket once (RFC 8446 C.4): each resumption brings the next one.
    result = newest && SSL_version(ssl) != TLS1_3_VERSION ? 1 : 2;
  }
  const bool ok = Initialise(key, vector, cipher, mac, encrypt != 0);
  OPENSSL_cleanse(&key, sizeof(key));
  return ok ? result : -1;
}

// The server's order decides; a client that offers only what we do not speak is refused (RFC 7301 3.2).
int OnAlpn(SSL* ssl, const unsigned char** out, unsigned char* out_length, const unsigned char* in, unsigned int length,
           void*) {
  const std::string& ours = static_cast<const TlsState*>(SSL_get_app_data(ssl))->server_parts->alpn;
  if (ours.empty()) return SSL_TLSEXT_ERR_NOACK;
  unsigned char* chosen = nullptr;
  const int result = SSL_select_next_proto(&chosen, out_length, reinterpret_cast<const unsigned char*>(ours.data()),
                                           static_cast<unsigned int>(ours.size()), in, length);
  *out = chosen;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int OnClientHello(SSL* ssl, int*, void*) {
  static_cast<TlsState*>(SSL_get_app_data(ssl))->ChooseCertificate();
  return SSL_CLIENT_HELLO_SUCCESS;
}

// The choice was made; this makes OpenSSL acknowledge the name (RFC 6066 3).
int OnServerName(SSL* ssl, int*, void*) {
  const auto* state = static_cast<const TlsState*>(SSL_get_app_data(ssl));
  return state->server_name.empty() ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_OK;
}

}  // namespace

absl::Status TlsServerParts::Build(routing::TlsVersion min_version) {
  for (const auto& parts : certificates->impl_->parts) {
    SslContextPtr context(SSL_CTX_new(TLS_server_method()));
    if (context == nullptr) return absl::InternalError(absl::StrCat("OpenSSL: ", TakeOpensslReason()));
    absl::Status status = SetCommonOptions(context.get(), min_version);
    if (!status.ok()) return status;
    status = UseCertificate(context.get(), parts->chain, parts->key.get(), parts->cert_file, parts->key_file);
    if (!status.ok()) return status;
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(context.get(), kSessionContext, sizeof(kSessionContext) - 1);
    SSL_CTX_set_timeout(context.get(), kSessionSeconds);
    SSL_CTX_set_num_tickets(context.get(), kTickets);
    SSL_CTX_set_max_early_data(context.get(), 0);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context.get(), OnTicket);
    SSL_CTX_set_alpn_select_cb(context.get(), OnAlpn, nullptr);
    SSL_CTX_set_client_hello_cb(context.get(), OnClientHello, nullptr);
    SSL_CTX_set_tlsext_servername_callback(context.get(), OnServerName);
    contexts.push_back(std::move(context));
  }
  return absl::OkStatus();
}

TlsServerContext::TlsServerContext(std::shared_ptr<const TlsServerParts> parts)
    : certificates_(parts->certificates), parts_(std::move(parts)) {}

TlsServerContext::~TlsServerContext() = default;

absl::StatusOr<std::unique_ptr<TlsServerContext>> TlsServerContext::Build(
    std::shared_ptr<const CertificateSet> certificates, routing::TlsVersion min_version,
    std::span<const std::string_view> alpn, const TicketKeys& tickets) {
  auto parts = std::make_shared<TlsServerParts>();
  parts->certificates = std::move(certificates);
  parts->tickets = &tickets;
  parts->alpn = AlpnList(alpn);
  const absl::Status built = parts->Build(min_version);
  if (!built.ok()) return built;
  return std::unique_ptr<TlsServerContext>(new TlsServerContext(std::move(parts)));
}

}  // namespace headgate::proxy::net
