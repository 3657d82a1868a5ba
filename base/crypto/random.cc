#include "base/crypto/random.h"

#include <openssl/crypto.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace headgate::base {
namespace {

void FromKernel(std::span<uint8_t> out) noexcept {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    HG_CHECK(got > 0);
    out = out.subspan(static_cast<size_t>(got));
  }
}

// A character for each four bits.
uint64_t HexDigits(uint32_t bits) noexcept {
  constexpr uint64_t kOnes = 0x0101010101010101u;
  uint64_t nibbles = (uint64_t{bits} | uint64_t{bits} << 16U) & 0x0000FFFF0000FFFFu;
  nibbles = (nibbles | nibbles << 8U) & 0x00FF00FF00FF00FFu;
  nibbles = (nibbles | nibbles << 4U) & (kOnes * 0x0F);
  const uint64_t letters = (nibbles + kOnes * 6) >> 4U & kOnes;
  return nibbles + kOnes * '0' + letters * ('a' - '0' - 10);
}

RandomSource& OfThisThread() noexcept {
  thread_local RandomSource source;
  return source;
}

}  // namespace

RandomSource::~RandomSource() { OPENSSL_cleanse(batch_.data(), batch_.size()); }

void RandomSource::Fill(std::span<uint8_t> out) noexcept {
  if (out.size() > batch_.size()) {
    FromKernel(out);
    return;
  }
  while (!out.empty()) {
    if (used_ == batch_.size()) {
      FromKernel(batch_);
      used_ = 0;
    }
    const size_t count = std::min(out.size(), batch_.size() - used_);
    std::memcpy(out.data(), &batch_[used_], count);
    std::memset(&batch_[used_], 0, count);
    used_ += count;
    out = out.subspan(count);
  }
}

void RandomSource::Hex(std::span<char> out) noexcept {
  while (!out.empty()) {
    std::array<uint32_t, 4> bits{};
    Fill({reinterpret_cast<uint8_t*>(bits.data()), sizeof bits});
    std::array<uint64_t, bits.size()> digits;
    std::transform(bits.begin(), bits.end(), digits.begin(), HexDigits);
    const size_t count = std::min(out.size(), sizeof digits);
    std::memcpy(out.data(), digits.data(), count);
    out = out.subspan(count);
  }
}

uint64_t RandomSource::Next64() noexcept {
  std::array<uint8_t, 8> bytes{};
  Fill(bytes);
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof(value));
  return value;
}

void RandomBytes(std::span<uint8_t> out) noexcept { OfThisThread().Fill(out); }
void RandomHex(std::span<char> out) noexcept { OfThisThread().Hex(out); }

}  // namespace headgate::base
