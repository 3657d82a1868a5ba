// Certificates made for a test, in files of a temporary directory.
// Owned by the test.
// One thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "routing/policy/listener.h"

struct x509_st;
struct evp_pkey_st;

namespace headgate::proxy::net {

// A directory that goes away with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string Path(std::string_view name) const { return (path_ / name).string(); }
  std::string Write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

struct CertificateWish {
  std::string common_name = "test";
  std::vector<std::string> names = {};  // "DNS:a.example", "IP:127.0.0.1"
  bool authority = false;
  long not_before_seconds = -3600;  // from now
  long not_after_seconds = 3600;
  int rsa_bits = 0;           // 0: `key`
  std::string key = "P-256";  // a curve's name, or ED25519
};

// A certificate with its key.
class TestCertificate {
 public:
  // Signed by `issuer`, or by itself.
  explicit TestCertificate(const CertificateWish& wish, const TestCertificate* issuer = nullptr);
  ~TestCertificate();
  TestCertificate(const TestCertificate&) = delete;
  TestCertificate& operator=(const TestCertificate&) = delete;
  std::string CertificatePem() const;
  std::string CertificateDer() const;
  std::string KeyPem() const;
  std::string EncryptedKeyPem() const;
  // Writes NAME.crt and NAME.key.
  routing::CertificateFiles WriteTo(const TemporaryDirectory& directory, const std::string& name) const;

 private:
  x509_st* certificate_;
  evp_pkey_st* key_;
};

}  // namespace headgate::proxy::net
