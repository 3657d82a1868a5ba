#include "metrics/text.h"

#include <cstdint>
#include <cstring>

namespace headgate::metrics {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

constexpr bool IsTail(char c) noexcept { return (static_cast<uint8_t>(c) & 0xC0U) == 0x80U; }

// Length of the well-formed sequence at `at` (RFC 3629), 0 when there is none. at < end.
size_t Utf8Length(const char* at, const char* end) noexcept {
  const auto lead = static_cast<uint8_t>(*at);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || static_cast<size_t>(end - at) < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (!IsTail(at[i])) return 0;
  }
  const auto second = static_cast<uint8_t>(at[1]);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second > 0x9F;
  const bool beyond = lead == 0xF4 && second > 0x8F;
  return overlong || surrogate || beyond ? 0 : length;
}

constexpr uint64_t kOnes = 0x0101010101010101U;
constexpr uint64_t kHighs = 0x8080808080808080U;

constexpr uint64_t ZeroBytes(uint64_t word) noexcept { return (word - kOnes) & ~word & kHighs; }

// Not 0 if a byte of the word is a control, DEL, quote, backslash or above 0x7F.
constexpr uint64_t Special(uint64_t word) noexcept {
  const uint64_t controls = (word - kOnes * 0x20) & ~word & kHighs;
  return controls | (word & kHighs) | ZeroBytes(word ^ (kOnes * '"')) | ZeroBytes(word ^ (kOnes * '\\')) |
         ZeroBytes(word ^ (kOnes * 0x7F));
}

// Copies 8 bytes and tells what is special among them.
uint64_t CopyWord(const char* from, char* to) noexcept {
  uint64_t word;
  std::memcpy(&word, from, sizeof word);
  std::memcpy(to, &word, sizeof word);
  return Special(word);
}

}  // namespace

void AppendLabel(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append("=\"");
  const char* const end = value.data() + value.size();
  for (const char* at = value.data(); at != end;) {
    const size_t length = Utf8Length(at, end);
    if (length == 0) {
      out.append(kReplacement);
      ++at;
      continue;
    }
    if (*at == '\\' || *at == '"') out.push_back('\\');
    if (*at == '\n') {
      out.append("\\n");
    } else {
      out.append(at, length);
    }
    at += length;
  }
  out.push_back('"');
}

bool CopyIfPlain(std::string_view text, char* out) noexcept {
  const char* from = text.data();
  const size_t size = text.size();
  uint64_t special = 0;
  if (size < sizeof(uint64_t)) {
    uint64_t word = kOnes * ' ';
    char bytes[sizeof word];
    std::memcpy(bytes, &word, sizeof word);
    for (size_t i = 0; i < size; ++i) bytes[i] = out[i] = from[i];
    std::memcpy(&word, bytes, sizeof word);
    return Special(word) == 0;
  }
  size_t at = 0;
  for (; at + sizeof(uint64_t) <= size; at += sizeof(uint64_t)) special |= CopyWord(from + at, out + at);
  // The rest again with some of what went before: one word instead of a loop.
  special |= CopyWord(from + size - sizeof(uint64_t), out + size - sizeof(uint64_t));
  return special == 0;
}

}  // namespace headgate::metrics
