#include <openssl/ssl.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "proxy/net/tls_parts.h"

namespace headgate::proxy::net {

namespace {

// Mozilla's intermediate profile without its three DHE suites: a 2048-bit exchange costs the server far more than the
// client (CVE-2002-20001), and no client that has TLS 1.2 and AEAD lacks ECDHE.
constexpr char kCiphersTls12[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kCiphersTls13[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kGroups[] = "X25519:P-256:P-384";

}  // namespace

absl::Status SetCommonOptions(SSL_CTX* context, routing::TlsVersion min_version) {
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One recv takes a record's head and its content.
  SSL_CTX_set_read_ahead(context, 1);
  const int version = min_version == routing::TlsVersion::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  const bool ok = SSL_CTX_set_min_proto_version(context, version) == 1 &&
                  SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                  SSL_CTX_set_cipher_list(context, kCiphersTls12) == 1 &&
                  SSL_CTX_set_ciphersuites(context, kCiphersTls13) == 1 &&
                  SSL_CTX_set1_groups_list(context, kGroups) == 1;
  if (!ok) return absl::InternalError(absl::StrCat("OpenSSL refuses our options: ", TakeOpensslReason()));
  return absl::OkStatus();
}

std::string AlpnList(std::span<const std::string_view> names) {
  std::string list;
  for (const std::string_view name : names) {
    HG_CHECK(!name.empty() && name.size() <= 255);
    list += static_cast<char>(name.size());
    list += name;
  }
  return list;
}

}  // namespace headgate::proxy::net
