// Appends text to a buffer that is known to be large enough, and notices control characters on the way.
// Lives on the stack of an encoder's function.
// One thread.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace headgate::http::h1 {

class Writer {
 public:
  explicit Writer(char* out) noexcept : begin_(out), at_(out) {}

  // Text of ours.
  template <size_t N>
  void Literal(const char (&text)[N]) noexcept {
    std::memcpy(at_, text, N - 1);
    at_ += N - 1;
  }
  void Text(std::string_view text) noexcept {
    if (text.empty()) return;
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void Number(uint64_t value) noexcept { at_ = std::to_chars(at_, at_ + 20, value).ptr; }

  // Text of the model. The parsers let no CR, LF or NUL into it, but values that were put together later come by here
  // too: a line break in one would be a field or a request of its own, so any becomes a space.
  void Value(std::string_view text) noexcept {
    if (text.empty()) return;
    if (!CopyClean(text)) CopyReplacing(text);
    at_ += text.size();
  }
  // A token: whoever made the field has seen to that.
  void Name(std::string_view token) noexcept {
    const size_t size = token.size();
    const auto copy = [this, &token]<class Word>(Word /*type*/, size_t i) {
      std::memcpy(at_ + i, &token[i], sizeof(Word));
    };
    if (size >= 8) {
      for (size_t i = 0; i + 8 < size; i += 8) copy(uint64_t{}, i);
      copy(uint64_t{}, size - 8);
    } else if (size >= 4) {
      copy(uint32_t{}, 0);
      copy(uint32_t{}, size - 4);
    } else {
      for (size_t i = 0; i < size; ++i) at_[i] = token[i];
    }
    at_ += size;
  }
  void Field(std::string_view name, std::string_view value) noexcept {
    Name(name);
    Literal(": ");
    Value(value);
    Literal("\r\n");
  }

  size_t size() const noexcept { return static_cast<size_t>(at_ - begin_); }

 private:
  // False when there is a byte below 0x20 (a tab, at best).
  bool CopyClean(std::string_view text) noexcept {
#ifdef __SSE2__
    if (text.size() >= 16) {
      __m128i low = _mm_setzero_si128();
      const auto block = [&](size_t i) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
        low = _mm_or_si128(low, _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(at_ + i), bytes);
      };
      for (size_t i = 0; i + 16 <= text.size(); i += 16) block(i);
      block(text.size() - 16);
      return _mm_movemask_epi8(low) == 0;
    }
#endif
    if (text.size() >= 8) {
      uint64_t low = 0;
      const auto word = [&](size_t i) {
        uint64_t bytes;
        std::memcpy(&bytes, text.data() + i, 8);
        low |= LowBytes(bytes);
        std::memcpy(at_ + i, &bytes, 8);
      };
      for (size_t i = 0; i + 8 <= text.size(); i += 8) word(i);
      word(text.size() - 8);
      return low == 0;
    }
    bool clean = true;
    for (size_t i = 0; i < text.size(); ++i) {
      at_[i] = text[i];
      clean &= static_cast<uint8_t>(text[i]) >= 0x20;
    }
    return clean;
  }
  // The high bit of some byte is set when a byte is below 0x20.
  static uint64_t LowBytes(uint64_t bytes) noexcept {
    constexpr uint64_t kOnes = 0x0101010101010101u;
    return (bytes - kOnes * 0x20) & ~bytes & (kOnes * 0x80);
  }
  void CopyReplacing(std::string_view text) noexcept {
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      at_[i] = c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
    }
  }

  char* begin_;
  char* at_;
};

}  // namespace headgate::http::h1
