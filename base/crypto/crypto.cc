#include "base/crypto/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/check.h"

namespace headgate::base {
namespace {

const unsigned char* Bytes(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string Sha256Hex(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(Bytes(bytes), bytes.size(), digest.data());
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    hex.push_back(kDigits[byte >> 4U]);
    hex.push_back(kDigits[byte & 15U]);
  }
  return hex;
}

std::array<uint8_t, 20> Sha1(std::string_view bytes) noexcept {
  std::array<uint8_t, SHA_DIGEST_LENGTH> digest{};
  SHA1(Bytes(bytes), bytes.size(), digest.data());
  return digest;
}

std::string Base64Encode(std::string_view bytes) {
  HG_CHECK(bytes.size() < size_t{1} << 30U);
  // OpenSSL writes a terminating zero behind the text.
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), Bytes(bytes), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string WebSocketAccept(std::string_view key) {
  std::string keyed(key);
  keyed += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const std::array<uint8_t, 20> digest = Sha1(keyed);
  return Base64Encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace headgate::base
