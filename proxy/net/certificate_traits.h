// What decides which clients a certificate can serve: its key, its own signature, its time.
// A value; the lists are static.
// Any thread.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <span>

namespace headgate::proxy::net {

struct CertificateTraits {
  static CertificateTraits Of(const X509* certificate);

  bool ValidAt(int64_t unix_seconds) const noexcept {
    return not_before_unix <= unix_seconds && unix_seconds <= not_after_unix;
  }
  // From `unix_seconds` on, no client that this certificate can serve is better served by it than by `earlier`, which
  // is asked first.
  bool CoveredBy(const CertificateTraits& earlier, int64_t unix_seconds) const noexcept;

  // Signature schemes (RFC 8446 4.2.3) of which the client must know one. Empty: we have none for this key.
  std::span<const uint16_t> schemes13;  // for a handshake of TLS 1.3
  std::span<const uint16_t> schemes12;
  std::span<const uint16_t> ciphers12;  // those of our suites that sign with this key; the client must offer one
  uint16_t group12 = 0;                 // the key's curve, which the client must know (RFC 8422 5.1); 0: none
  std::span<const uint16_t> signed_by;  // how the certificate itself is signed; two names for one thing at most
  int64_t not_before_unix = 0;
  int64_t not_after_unix = 0;
};

}  // namespace headgate::proxy::net
