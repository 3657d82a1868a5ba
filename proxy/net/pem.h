// Certificates and keys from PEM files.
// Stateless.
// Control thread: it reads files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "proxy/net/openssl_ptr.h"

namespace headgate::proxy::net {

// The content of a file of at most 1 MiB. Errors (kNotFound, kPermissionDenied, kInvalidArgument) name it.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);

// All certificates of `text`, at least one; `path` is for errors.
absl::StatusOr<std::vector<X509Ptr>> ParseCertificates(std::string_view text, const std::string& path);

// A private key without a passphrase.
absl::StatusOr<KeyPtr> ParsePrivateKey(std::string_view text, const std::string& path);

// Gives the chain, the leaf first, and its key to `context`. Errors name the files.
absl::Status UseCertificate(SSL_CTX* context, const std::vector<X509Ptr>& chain, EVP_PKEY* key,
                            const std::string& cert_file, const std::string& key_file);

}  // namespace headgate::proxy::net
