#include "proxy/net/pem.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace headgate::proxy::net {

namespace {

constexpr size_t kFileBytesMax = 1024 * 1024;  // a bundle of all public authorities has 220 KiB

BioPtr MemoryBio(std::string_view text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// Without it OpenSSL would ask for a passphrase on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

absl::Status FileError(const std::string& path, int error) {
  const std::string text = absl::StrCat(path, ": ", std::strerror(error));
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(text);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(text);
  return absl::InvalidArgumentError(text);
}

}  // namespace

const char* TakeOpensslReason() noexcept {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = ERR_SYSTEM_ERROR(code) ? "system error" : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown error";
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return FileError(path, errno);
  std::string content;
  char buffer[16384];
  ssize_t count = 0;
  do {
    count = ::read(descriptor, buffer, sizeof(buffer));
    if (count > 0) content.append(buffer, static_cast<size_t>(count));
  } while ((count > 0 && content.size() <= kFileBytesMax) || (count < 0 && errno == EINTR));
  const int error = errno;
  ::close(descriptor);
  if (count < 0) return FileError(path, error);
  if (content.size() > kFileBytesMax) return absl::InvalidArgumentError(absl::StrCat(path, ": larger than 1 MiB"));
  if (content.empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": the file is empty"));
  return content;
}

absl::StatusOr<std::vector<X509Ptr>> ParseCertificates(std::string_view text, const std::string& path) {
  const BioPtr bio = MemoryBio(text);
  std::vector<X509Ptr> certificates;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr)) {
    certificates.emplace_back(certificate);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const char* reason = TakeOpensslReason();
  if (!at_end) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": certificate ", certificates.size() + 1, " is damaged: ", reason));
  }
  if (certificates.empty()) {
    const bool pem = text.find("-----BEGIN ") != std::string_view::npos;
    const bool key = text.find("PRIVATE KEY-----") != std::string_view::npos;
    return absl::InvalidArgumentError(absl::StrCat(path, ": no certificate in it",
                                                   key   ? ", but a private key"
                                                   : pem ? ""
                                                         : ": PEM is wanted (-----BEGIN ...)"));
  }
  return certificates;
}

absl::StatusOr<KeyPtr> ParsePrivateKey(std::string_view text, const std::string& path) {
  const BioPtr bio = MemoryBio(text);
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  if (key != nullptr) {
    ERR_clear_error();
    return key;
  }
  const bool none = text.find("PRIVATE KEY-----") == std::string_view::npos;
  const char* reason = TakeOpensslReason();
  if (text.find("ENCRYPTED") != std::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": the private key has a passphrase; give one without"));
  }
  if (none) {
    const bool certificate = text.find("BEGIN CERTIFICATE-----") != std::string_view::npos;
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": no private key in it", certificate ? ", but a certificate" : ""));
  }
  return absl::InvalidArgumentError(absl::StrCat(path, ": the private key is damaged: ", reason));
}

namespace {

// A file whose chain begins at the wrong end is common: the server's own certificate comes first (RFC 8446 4.4.2).
absl::Status ForeignKey(const std::vector<X509Ptr>& chain, EVP_PKEY* key, const std::string& cert_file,
                        const std::string& key_file) {
  for (size_t i = 1; i < chain.size(); ++i) {
    if (X509_check_private_key(chain[i].get(), key) != 1) continue;
    const std::string which = i == 1 ? "the second certificate" : absl::StrCat("certificate ", i + 1);
    return absl::InvalidArgumentError(
        absl::StrCat(key_file, ": this key belongs to ", which, " of ", cert_file, ": put that one first"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(key_file, ": this key does not belong to the certificate in ", cert_file));
}

}  // namespace

absl::Status UseCertificate(SSL_CTX* context, const std::vector<X509Ptr>& chain, EVP_PKEY* key,
                            const std::string& cert_file, const std::string& key_file) {
  if (X509_check_private_key(chain.front().get(), key) != 1) {
    const absl::Status status = ForeignKey(chain, key, cert_file, key_file);
    ERR_clear_error();
    return status;
  }
  bool ok = SSL_CTX_use_certificate(context, chain.front().get()) == 1;
  for (size_t i = 1; ok && i < chain.size(); ++i) ok = SSL_CTX_add1_chain_cert(context, chain[i].get()) == 1;
  ok = ok && SSL_CTX_use_PrivateKey(context, key) == 1;
  if (ok) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(cert_file, ": not usable: ", TakeOpensslReason()));
}

}  // namespace headgate::proxy::net
