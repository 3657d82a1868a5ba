#include "proxy/net/client_offer.h"

#include <openssl/ssl.h>

#include <algorithm>

namespace headgate::proxy::net {

namespace {

NumberList Extension(SSL* ssl, unsigned int type, size_t length_bytes) noexcept {
  const unsigned char* content = nullptr;
  size_t length = 0;
  if (SSL_client_hello_get0_ext(ssl, type, &content, &length) != 1) return {};
  return NumberList::OfExtension({content, length}, length_bytes);
}

}  // namespace

NumberList NumberList::OfExtension(std::span<const unsigned char> extension, size_t length_bytes) noexcept {
  if (extension.size() < length_bytes) return {};
  size_t length = 0;
  for (const unsigned char byte : extension.first(length_bytes)) length = length << 8 | byte;
  const std::span<const unsigned char> list = extension.subspan(length_bytes);
  return length == list.size() ? NumberList(list) : NumberList();
}

bool NumberList::Has(uint16_t number) const noexcept {
  for (size_t i = 0; i + 1 < bytes_.size(); i += 2) {
    if (bytes_[i] == number >> 8 && bytes_[i + 1] == (number & 0xff)) return true;
  }
  return false;
}

bool NumberList::HasAnyOf(std::span<const uint16_t> numbers) const noexcept {
  return std::ranges::any_of(numbers, [this](uint16_t number) { return Has(number); });
}

ClientOffer ClientOffer::Of(SSL* ssl) noexcept {
  const unsigned char* ciphers = nullptr;
  const size_t length = SSL_client_hello_get0_ciphers(ssl, &ciphers);
  return {.versions = Extension(ssl, TLSEXT_TYPE_supported_versions, 1),
          .ciphers = NumberList({ciphers, length}),
          .groups = Extension(ssl, TLSEXT_TYPE_supported_groups, 2),
          .schemes = Extension(ssl, TLSEXT_TYPE_signature_algorithms, 2),
          .cert_schemes = Extension(ssl, TLSEXT_TYPE_signature_algorithms_cert, 2)};
}

bool ClientOffer::Verifies(const CertificateTraits& certificate) const noexcept {
  if (!cert_schemes.empty() && !cert_schemes.HasAnyOf(certificate.signed_by)) return false;
  if (versions.Has(TLS1_3_VERSION)) return schemes.HasAnyOf(certificate.schemes13);
  const bool knows_curve = certificate.group12 == 0 || groups.empty() || groups.Has(certificate.group12);
  return knows_curve && ciphers.HasAnyOf(certificate.ciphers12) && schemes.HasAnyOf(certificate.schemes12);
}

}  // namespace headgate::proxy::net
