#include "proxy/net/certificate_traits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <string>

#include "proxy/net/openssl_ptr.h"
#include "proxy/net/tls_parts.h"
#include "tests/proxy/net/test_certificates.h"

namespace headgate::proxy::net {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

CertificateTraits TraitsOf(const CertificateWish& wish, const TestCertificate* issuer = nullptr) {
  const std::string der = TestCertificate(wish, issuer).CertificateDer();
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const X509Ptr certificate(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
  return CertificateTraits::Of(certificate.get());
}

TEST(CertificateTraits, EachKindOfKeyHasItsSchemesAndItsCurve) {
  const CertificateTraits rsa = TraitsOf({.rsa_bits = 2048});
  EXPECT_THAT(rsa.schemes13, ElementsAre(0x0804, 0x0805, 0x0806)) << "TLS 1.3 has no PKCS #1";
  EXPECT_THAT(rsa.schemes12, Contains(0x0401));
  EXPECT_EQ(rsa.group12, 0);
  const CertificateTraits p256 = TraitsOf({});
  EXPECT_THAT(p256.schemes13, ElementsAre(0x0403));
  EXPECT_THAT(p256.schemes12, ElementsAre(0x0403, 0x0503, 0x0603));
  EXPECT_EQ(p256.group12, 23);
  const CertificateTraits p521 = TraitsOf({.key = "P-521"});
  EXPECT_THAT(p521.schemes13, ElementsAre(0x0603));
  EXPECT_EQ(p521.group12, 25);
  const CertificateTraits ed25519 = TraitsOf({.key = "ED25519"});
  EXPECT_THAT(ed25519.schemes12, ElementsAre(0x0807));
  EXPECT_EQ(ed25519.group12, 0);
  EXPECT_THAT(TraitsOf({.key = "secp256k1"}).schemes13, IsEmpty()) << "a curve that TLS has no scheme for";
}

TEST(CertificateTraits, ItsOwnSignatureIsItsIssuers) {
  const TestCertificate authority({.authority = true, .rsa_bits = 2048});
  EXPECT_THAT(TraitsOf({}, &authority).signed_by, Contains(0x0401));
  EXPECT_THAT(TraitsOf({}).signed_by, Contains(0x0403));
  EXPECT_THAT(TraitsOf({.key = "ED25519"}).signed_by, Contains(0x0807));
}

TEST(CertificateTraits, ItIsValidFromItsFirstToItsLastSecond) {
  const CertificateTraits traits = TraitsOf({.not_before_seconds = -10, .not_after_seconds = 10});
  EXPECT_FALSE(traits.ValidAt(traits.not_before_unix - 1));
  EXPECT_TRUE(traits.ValidAt(traits.not_before_unix));
  EXPECT_TRUE(traits.ValidAt(traits.not_after_unix));
  EXPECT_FALSE(traits.ValidAt(traits.not_after_unix + 1));
  EXPECT_EQ(traits.not_after_unix - traits.not_before_unix, 20);
}

// A suite that the contexts offer and the traits do not know would never make a certificate fit.
TEST(CertificateTraits, EachSuiteOfTls12SignsWithOneOfTheKeys) {
  const SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  ASSERT_TRUE(SetCommonOptions(context.get(), routing::TlsVersion::kTls12).ok());
  const CertificateTraits rsa = TraitsOf({.rsa_bits = 2048});
  const CertificateTraits ecdsa = TraitsOf({});
  int seen = 0;
  const STACK_OF(SSL_CIPHER)* const ciphers = SSL_CTX_get_ciphers(context.get());
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(ciphers, i);
    const int signs = SSL_CIPHER_get_auth_nid(cipher);
    if (signs == NID_auth_any) continue;  // of TLS 1.3
    EXPECT_THAT((signs == NID_auth_rsa ? rsa : ecdsa).ciphers12, Contains(SSL_CIPHER_get_protocol_id(cipher)));
    ++seen;
  }
  EXPECT_EQ(static_cast<size_t>(seen), rsa.ciphers12.size() + ecdsa.ciphers12.size());
}

}  // namespace
}  // namespace headgate::proxy::net
