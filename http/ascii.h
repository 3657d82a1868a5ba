// ASCII text as protocols have it: case folding, character classes, comma-separated lists. No locale.
// Stateless functions.
// Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace headgate::http {

constexpr char LowerChar(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool IsDigit(char c) noexcept { return c >= '0' && c <= '9'; }
// Optional white space (RFC 9110 5.6.3).
constexpr bool IsOws(char c) noexcept { return c == ' ' || c == '\t'; }
// The digit's value, or -1.
constexpr int HexValue(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = LowerChar(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// tchar of RFC 9110 5.6.2.
constexpr bool IsTokenChar(char c) noexcept {
  if (IsDigit(c) || (LowerChar(c) >= 'a' && LowerChar(c) <= 'z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool IsToken(std::string_view text) noexcept;

// Eight letters at a time. Bytes above 0x7f stay.
constexpr uint64_t LowerWord(uint64_t word) noexcept {
  constexpr uint64_t kOnes = 0x0101010101010101u;
  const uint64_t low7 = word & (kOnes * 0x7f);
  const uint64_t above_z = low7 + kOnes * (0x7f - 'Z');
  const uint64_t from_a = low7 + kOnes * (0x80 - 'A');
  return word | ((((from_a ^ above_z) & ~word) & (kOnes * 0x80)) >> 2);
}
inline void LowerInPlace(char* text, size_t size) noexcept {
  const auto lower_at = [text](size_t at) {
    uint64_t word;
    std::memcpy(&word, text + at, sizeof word);
    word = LowerWord(word);
    std::memcpy(text + at, &word, sizeof word);
  };
  if (size < 8) {
    for (size_t i = 0; i < size; ++i) text[i] = LowerChar(text[i]);
    return;
  }
  size_t at = 0;
  for (; at + 8 <= size; at += 8) lower_at(at);
  lower_at(size - 8);
}

bool EqualsIgnoreCase(std::string_view text, std::string_view lower_case) noexcept;

// Without the white space around it (RFC 9110 5.6.3).
constexpr std::string_view TrimOws(std::string_view text) noexcept {
  while (!text.empty() && IsOws(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsOws(text.back())) text.remove_suffix(1);
  return text;
}

// Calls `visit(element)` for each element of a comma-separated list, white space trimmed, empty ones left out
// (RFC 9110 5.6.1); ends early when it returns false. Knows no quoting: for lists of tokens.
template <class V>
bool ForEachListElement(std::string_view list, V&& visit) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view element = TrimOws(list.substr(0, comma));
    if (!element.empty() && !visit(element)) return false;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return true;
}

// Decimal digits only, at least one, value at most 2^63 - 1: false otherwise.
bool ParseDecimal(std::string_view text, uint64_t& value) noexcept;

}  // namespace headgate::http
