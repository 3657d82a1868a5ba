#include "proxy/net/certificate_traits.h"

#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <string_view>

namespace headgate::proxy::net {

namespace {

// As kCiphersTls12 has them (RFC 5289, RFC 7905).
constexpr uint16_t kRsaCiphers[] = {0xc02f, 0xc030, 0xcca8};
constexpr uint16_t kEcdsaCiphers[] = {0xc02b, 0xc02c, 0xcca9};  // Ed25519 and Ed448 keys, too (RFC 8422 5.10)

// TLS 1.3 has no PKCS #1 for handshakes, and ties the curve to the hash (RFC 8446 4.2.3).
constexpr uint16_t kRsa13[] = {0x0804, 0x0805, 0x0806};
constexpr uint16_t kRsa12[] = {0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601};
constexpr uint16_t kRsaPss[] = {0x0809, 0x080a, 0x080b};
constexpr uint16_t kP256[] = {0x0403};
constexpr uint16_t kP384[] = {0x0503};
constexpr uint16_t kP521[] = {0x0603};
constexpr uint16_t kEcdsa12[] = {0x0403, 0x0503, 0x0603};
constexpr uint16_t kEd25519[] = {0x0807};
constexpr uint16_t kEd448[] = {0x0808};

struct Curve {
  std::string_view name;
  uint16_t group;
  std::span<const uint16_t> schemes13;
};
constexpr Curve kCurves[] = {{SN_X9_62_prime256v1, 23, kP256}, {SN_secp384r1, 24, kP384}, {SN_secp521r1, 25, kP521}};

struct Signature {
  int hash;
  int key;
  uint16_t schemes[2];
};
constexpr Signature kSignatures[] = {
    {NID_sha1, EVP_PKEY_RSA, {0x0201, 0x0201}},       {NID_sha256, EVP_PKEY_RSA, {0x0401, 0x0401}},
    {NID_sha384, EVP_PKEY_RSA, {0x0501, 0x0501}},     {NID_sha512, EVP_PKEY_RSA, {0x0601, 0x0601}},
    {NID_sha256, EVP_PKEY_RSA_PSS, {0x0804, 0x0809}}, {NID_sha384, EVP_PKEY_RSA_PSS, {0x0805, 0x080a}},
    {NID_sha512, EVP_PKEY_RSA_PSS, {0x0806, 0x080b}}, {NID_sha1, EVP_PKEY_EC, {0x0203, 0x0203}},
    {NID_sha256, EVP_PKEY_EC, {0x0403, 0x0403}},      {NID_sha384, EVP_PKEY_EC, {0x0503, 0x0503}},
    {NID_sha512, EVP_PKEY_EC, {0x0603, 0x0603}},      {NID_undef, EVP_PKEY_ED25519, {0x0807, 0x0807}},
    {NID_undef, EVP_PKEY_ED448, {0x0808, 0x0808}},
};

void SetCurve(const EVP_PKEY* key, CertificateTraits& traits) {
  char name[64];
  size_t length = 0;
  if (EVP_PKEY_get_group_name(key, name, sizeof(name), &length) != 1) return;
  for (const Curve& curve : kCurves) {
    if (curve.name != std::string_view(name, length)) continue;
    traits.group12 = curve.group;
    traits.schemes13 = curve.schemes13;
    traits.schemes12 = kEcdsa12;
    traits.ciphers12 = kEcdsaCiphers;
  }
}

void SetKey(const EVP_PKEY* key, CertificateTraits& traits) {
  const auto set = [&](std::span<const uint16_t> schemes13, std::span<const uint16_t> schemes12,
                       std::span<const uint16_t> ciphers) {
    traits.schemes13 = schemes13;
    traits.schemes12 = schemes12;
    traits.ciphers12 = ciphers;
  };
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      return set(kRsa13, kRsa12, kRsaCiphers);
    case EVP_PKEY_RSA_PSS:
      return set(kRsaPss, kRsaPss, kRsaCiphers);
    case EVP_PKEY_ED25519:
      return set(kEd25519, kEd25519, kEcdsaCiphers);
    case EVP_PKEY_ED448:
      return set(kEd448, kEd448, kEcdsaCiphers);
    case EVP_PKEY_EC:
      return SetCurve(key, traits);
    default:
      return;
  }
}

std::span<const uint16_t> SignatureOf(const X509* certificate) {
  int hash = NID_undef;
  int key = NID_undef;
  if (X509_get_signature_info(const_cast<X509*>(certificate), &hash, &key, nullptr, nullptr) != 1) return {};
  for (const Signature& signature : kSignatures) {
    if (signature.hash == hash && signature.key == key) return signature.schemes;
  }
  return {};
}

int64_t UnixSeconds(const ASN1_TIME* time) {
  std::tm fields{};
  return ASN1_TIME_to_tm(time, &fields) == 1 ? static_cast<int64_t>(::timegm(&fields)) : 0;
}

bool Includes(std::span<const uint16_t> all, std::span<const uint16_t> some) noexcept {
  return std::ranges::all_of(some, [&](uint16_t one) { return std::ranges::find(all, one) != all.end(); });
}

}  // namespace

CertificateTraits CertificateTraits::Of(const X509* certificate) {
  CertificateTraits traits;
  if (const EVP_PKEY* key = X509_get0_pubkey(certificate); key != nullptr) SetKey(key, traits);
  traits.signed_by = SignatureOf(certificate);
  traits.not_before_unix = UnixSeconds(X509_get0_notBefore(certificate));
  traits.not_after_unix = UnixSeconds(X509_get0_notAfter(certificate));
  return traits;
}

bool CertificateTraits::CoveredBy(const CertificateTraits& earlier, int64_t unix_seconds) const noexcept {
  const bool same_clients = Includes(earlier.schemes13, schemes13) && Includes(earlier.schemes12, schemes12) &&
                            Includes(earlier.ciphers12, ciphers12) && Includes(earlier.signed_by, signed_by) &&
                            (earlier.group12 == 0 || earlier.group12 == group12);
  if (!same_clients) return false;
  if (not_after_unix < unix_seconds) return true;  // of those that are not valid the earlier one serves
  return earlier.not_before_unix <= std::max(unix_seconds, not_before_unix) && earlier.not_after_unix >= not_after_unix;
}

}  // namespace headgate::proxy::net
