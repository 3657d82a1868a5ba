#include "tests/proxy/net/test_certificates.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <ctime>
#include <fstream>

#include "base/check.h"

namespace headgate::proxy::net {

namespace {

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  HG_CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

std::string Content(BIO* bio) {
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio, &text);
  std::string content(text, static_cast<size_t>(length));
  BIO_free(bio);
  return content;
}

EVP_PKEY* NewKey(const CertificateWish& wish) {
  if (wish.rsa_bits > 0) return EVP_RSA_gen(static_cast<unsigned int>(wish.rsa_bits));
  if (wish.key == "ED25519") return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  return EVP_EC_gen(wish.key.c_str());
}

// Ed25519 has its digest within (RFC 8032).
const EVP_MD* DigestFor(const EVP_PKEY* key) {
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "headgate-net-XXXXXX").string();
  HG_CHECK(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::Write(std::string_view name, std::string_view content) const {
  std::ofstream(path_ / name, std::ios::binary | std::ios::trunc) << content;
  return Path(name);
}

TestCertificate::TestCertificate(const CertificateWish& wish, const TestCertificate* issuer)
    : certificate_(X509_new()), key_(NewKey(wish)) {
  X509_set_version(certificate_, X509_VERSION_3);
  uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), 7);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate_), serial);
  time_t now = std::time(nullptr);  // read once: a second may pass between the two
  X509_time_adj(X509_getm_notBefore(certificate_), wish.not_before_seconds, &now);
  X509_time_adj(X509_getm_notAfter(certificate_), wish.not_after_seconds, &now);
  X509_set_pubkey(certificate_, key_);
  X509_NAME* subject = X509_get_subject_name(certificate_);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1, -1, 0);
  X509* by = issuer != nullptr ? issuer->certificate_ : certificate_;
  X509_set_issuer_name(certificate_, X509_get_subject_name(by));
  AddExtension(certificate_, by, NID_basic_constraints, wish.authority ? "critical,CA:TRUE" : "CA:FALSE");
  std::string names;
  for (const std::string& name : wish.names) names += (names.empty() ? "" : ",") + name;
  if (!names.empty()) AddExtension(certificate_, by, NID_subject_alt_name, names);
  EVP_PKEY* signer = issuer != nullptr ? issuer->key_ : key_;
  HG_CHECK(X509_sign(certificate_, signer, DigestFor(signer)) > 0);
}

TestCertificate::~TestCertificate() {
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

std::string TestCertificate::CertificatePem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate_);
  return Content(bio);
}

std::string TestCertificate::CertificateDer() const {
  BIO* bio = BIO_new(BIO_s_mem());
  i2d_X509_bio(bio, certificate_);
  return Content(bio);
}

std::string TestCertificate::KeyPem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key_, nullptr, nullptr, 0, nullptr, nullptr);
  return Content(bio);
}

std::string TestCertificate::EncryptedKeyPem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  const unsigned char phrase[] = "secret";
  PEM_write_bio_PKCS8PrivateKey(bio, key_, EVP_aes_128_cbc(), reinterpret_cast<const char*>(phrase), 6, nullptr,
                                nullptr);
  return Content(bio);
}

routing::CertificateFiles TestCertificate::WriteTo(const TemporaryDirectory& directory, const std::string& name) const {
  return {directory.Write(name + ".crt", CertificatePem()), directory.Write(name + ".key", KeyPem())};
}

}  // namespace headgate::proxy::net
