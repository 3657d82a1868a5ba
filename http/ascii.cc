#include "http/ascii.h"

namespace headgate::http {
namespace {

constexpr std::array<bool, 256> MakeTokenTable() {
  std::array<bool, 256> table{};
  for (size_t i = 0; i < table.size(); ++i) table[i] = IsTokenChar(static_cast<char>(i));
  return table;
}
constexpr auto kTokenTable = MakeTokenTable();

}  // namespace

bool IsToken(std::string_view text) noexcept {
  for (const char c : text) {
    if (!kTokenTable[static_cast<uint8_t>(c)]) return false;
  }
  return !text.empty();
}

bool EqualsIgnoreCase(std::string_view text, std::string_view lower_case) noexcept {
  if (text.size() != lower_case.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (LowerChar(text[i]) != lower_case[i]) return false;
  }
  return true;
}

bool ParseDecimal(std::string_view text, uint64_t& value) noexcept {
  constexpr uint64_t kMax = UINT64_MAX >> 1;
  uint64_t result = 0;
  for (const char c : text) {
    if (!IsDigit(c)) return false;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (result > (kMax - digit) / 10) return false;
    result = result * 10 + digit;
  }
  value = result;
  return !text.empty();
}

}  // namespace headgate::http
