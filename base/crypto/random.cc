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
  static constexpr char kDigits[] = "0123456789abcdef";
  std::array<uint8_t, 32> bytes{};
  while (!out.empty()) {
    const size_t digits = std::min(out.size(), 2 * bytes.size());
    Fill(std::span(bytes).first((digits + 1) / 2));
    for (size_t i = 0; i < digits; ++i) out[i] = kDigits[(bytes[i / 2] >> (i % 2 == 0 ? 4U : 0U)) & 15U];
    out = out.subspan(digits);
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
