#include "base/crypto/self_signed.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

namespace headgate::base {
namespace {

struct Parsed {
  explicit Parsed(const SelfSigned& made) {
    const std::unique_ptr<BIO, int (*)(BIO*)> certificate_text(
        BIO_new_mem_buf(made.certificate_pem.data(), static_cast<int>(made.certificate_pem.size())), BIO_free);
    const std::unique_ptr<BIO, int (*)(BIO*)> key_text(
        BIO_new_mem_buf(made.key_pem.data(), static_cast<int>(made.key_pem.size())), BIO_free);
    certificate.reset(PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
    key.reset(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  }
  std::unique_ptr<X509, void (*)(X509*)> certificate{nullptr, X509_free};
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key{nullptr, EVP_PKEY_free};
};

const std::string kNames[] = {"localhost", "*.example.com", "127.0.0.1", "::1"};

TEST(SelfSigned, CertificateServesTheNamesItWasMadeForAndNoOther) {
  const auto made = MakeSelfSigned(kNames, 30);
  ASSERT_TRUE(made.ok());
  const Parsed parsed(*made);
  ASSERT_NE(parsed.certificate, nullptr);
  EXPECT_EQ(X509_check_host(parsed.certificate.get(), "localhost", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(parsed.certificate.get(), "a.example.com", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(parsed.certificate.get(), "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(parsed.certificate.get(), "::1", 0), 1);
  EXPECT_EQ(X509_check_host(parsed.certificate.get(), "example.org", 0, 0, nullptr), 0);
}

TEST(SelfSigned, KeyFitsAndTheSignatureIsItsOwn) {
  const auto made = MakeSelfSigned(kNames, 30);
  ASSERT_TRUE(made.ok());
  const Parsed parsed(*made);
  ASSERT_NE(parsed.key, nullptr);
  EXPECT_EQ(X509_check_private_key(parsed.certificate.get(), parsed.key.get()), 1);
  EXPECT_EQ(X509_verify(parsed.certificate.get(), parsed.key.get()), 1);
}

TEST(SelfSigned, ValidityCoversNowAndEndsAfterTheDaysGiven) {
  const auto made = MakeSelfSigned(kNames, 30);
  ASSERT_TRUE(made.ok());
  const Parsed parsed(*made);
  EXPECT_LT(X509_cmp_current_time(X509_get0_notBefore(parsed.certificate.get())), 0);
  EXPECT_GT(X509_cmp_current_time(X509_get0_notAfter(parsed.certificate.get())), 0);
  int days = 0;
  int seconds = 0;
  ASSERT_EQ(ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(parsed.certificate.get())), 1);
  EXPECT_GE(days, 29);
  EXPECT_LE(days, 30);
}

TEST(SelfSigned, NoNameIsAnError) { EXPECT_FALSE(MakeSelfSigned({}, 30).ok()); }

}  // namespace
}  // namespace headgate::base
