// Random bytes that nobody can guess: request ids, cookies of cohorts, ticket keys.
// A RandomSource is owned by a worker or lives per thread behind the free functions.
// A RandomSource: one thread. The free functions: any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace headgate::base {

// Hands out the kernel's random bytes from a batch of 4 KiB, so that a system call serves 256 request ids. Bytes are
// wiped as they leave: what was handed out cannot be read back from memory.
class RandomSource {
 public:
  RandomSource() noexcept = default;
  RandomSource(const RandomSource&) = delete;
  RandomSource& operator=(const RandomSource&) = delete;
  ~RandomSource();

  // Ends the process if the kernel has no randomness to give. Never allocates.
  void Fill(std::span<uint8_t> out) noexcept;
  // Fills `out` with lower-case hex digits; 32 of them carry 128 bits.
  void Hex(std::span<char> out) noexcept;
  uint64_t Next64() noexcept;

 private:
  std::array<uint8_t, 4096> batch_;
  size_t used_ = sizeof(batch_);
};

// The same from a source of the calling thread's own.
void RandomBytes(std::span<uint8_t> out) noexcept;
void RandomHex(std::span<char> out) noexcept;

}  // namespace headgate::base
