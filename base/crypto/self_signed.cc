#include "base/crypto/self_signed.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/crypto/random.h"
#include "base/ip.h"

namespace headgate::base {
namespace {

constexpr long kSecondsPerDay = 24L * 60 * 60;
constexpr long kBackdatedSeconds = 60L * 60;  // the clock of who looks at it may be behind

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Memory = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;

bool SetSerial(X509& certificate) {
  uint64_t serial = 0;
  RandomBytes({reinterpret_cast<uint8_t*>(&serial), sizeof(serial)});
  return ASN1_INTEGER_set_uint64(X509_get_serialNumber(&certificate), serial >> 1U) == 1;
}

bool SetName(X509& certificate, const std::string& name) {
  X509_NAME* subject = X509_get_subject_name(&certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(name.data());
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, static_cast<int>(name.size()), -1, 0) == 1 &&
         X509_set_issuer_name(&certificate, subject) == 1;
}

bool AddExtension(X509& certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension != nullptr && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

std::string AlternativeNames(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ",") + std::string(IpAddress::Parse(name) ? "IP:" : "DNS:") + name;
  }
  return text;
}

std::string TextOf(BIO& memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(&memory, &data);
  return {data, static_cast<size_t>(size)};
}

}  // namespace

absl::StatusOr<SelfSigned> MakeSelfSigned(std::span<const std::string> names, int days) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  const Memory certificate_text(BIO_new(BIO_s_mem()));
  const Memory key_text(BIO_new(BIO_s_mem()));
  if (!key || !certificate || !certificate_text || !key_text || names.empty()) {
    return absl::InternalError("cannot make a certificate");
  }
  X509& x509 = *certificate;
  const bool made =
      X509_set_version(&x509, X509_VERSION_3) == 1 && SetSerial(x509) && SetName(x509, names.front()) &&
      X509_gmtime_adj(X509_getm_notBefore(&x509), -kBackdatedSeconds) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(&x509), days * kSecondsPerDay) != nullptr &&
      X509_set_pubkey(&x509, key.get()) == 1 && AddExtension(x509, NID_basic_constraints, "critical,CA:FALSE") &&
      AddExtension(x509, NID_subject_alt_name, AlternativeNames(names)) &&
      X509_sign(&x509, key.get(), EVP_sha256()) > 0 && PEM_write_bio_X509(certificate_text.get(), &x509) == 1 &&
      PEM_write_bio_PKCS8PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1;
  if (!made) return absl::InternalError("cannot make a certificate");
  return SelfSigned{.certificate_pem = TextOf(*certificate_text), .key_pem = TextOf(*key_text)};
}

}  // namespace headgate::base
