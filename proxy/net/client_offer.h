// What a client's hello says of the certificates that it can verify.
// Views into the hello: valid while its callback runs.
// One thread: the worker's.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <span>

#include "proxy/net/certificate_traits.h"

namespace headgate::proxy::net {

// 16-bit numbers as the wire has them. Half a number at the end counts for nothing.
class NumberList {
 public:
  NumberList() noexcept = default;
  explicit NumberList(std::span<const unsigned char> bytes) noexcept : bytes_(bytes) {}
  // An extension's list behind its length of `length_bytes` (1 or 2) bytes. Empty when it is malformed, which OpenSSL
  // refuses later.
  static NumberList OfExtension(std::span<const unsigned char> extension, size_t length_bytes) noexcept;

  bool empty() const noexcept { return bytes_.size() < 2; }
  bool Has(uint16_t number) const noexcept;
  bool HasAnyOf(std::span<const uint16_t> numbers) const noexcept;

 private:
  std::span<const unsigned char> bytes_;
};

struct ClientOffer {
  // Within the client hello's callback.
  static ClientOffer Of(SSL* ssl) noexcept;

  // The handshake with this certificate is one that the client and we can make. Its time is not judged.
  bool Verifies(const CertificateTraits& certificate) const noexcept;

  NumberList versions;  // empty: TLS 1.2 at most
  NumberList ciphers;
  NumberList groups;        // empty: any (RFC 8422 4)
  NumberList schemes;       // signature_algorithms
  NumberList cert_schemes;  // signature_algorithms_cert; empty: those of the handshake, which nobody insists on
};

}  // namespace headgate::proxy::net
