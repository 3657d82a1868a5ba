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

// 16 bytes at a time, by whatever vector instructions there are.
using Vector [[gnu::vector_size(16)]] = uint8_t;
using VectorMask [[gnu::vector_size(16)]] = int8_t;

// All ones where a byte is a control, DEL, quote, backslash or above 0x7F.
VectorMask Special(Vector bytes) noexcept { return (bytes - 0x20 >= 0x5F) | (bytes == '"') | (bytes == '\\'); }

bool IsNone(VectorMask mask) noexcept {
  uint64_t halves[2];
  std::memcpy(halves, &mask, sizeof halves);
  return (halves[0] | halves[1]) == 0;
}

template <class T>
T Copy(const char* from, char* to) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  std::memcpy(to, &value, sizeof value);
  return value;
}

// Fewer than 16 bytes: the front and the back overlap, so there is no loop.
bool CopyIfPlainShort(const char* from, size_t size, char* out) noexcept {
  uint64_t halves[2] = {0x2020202020202020U, 0x2020202020202020U};
  if (size >= 8) {
    halves[0] = Copy<uint64_t>(from, out);
    halves[1] = Copy<uint64_t>(from + size - 8, out + size - 8);
  } else if (size >= 4) {
    const uint64_t front = Copy<uint32_t>(from, out);
    halves[0] = front << 32U | Copy<uint32_t>(from + size - 4, out + size - 4);
  } else {
    char* const bytes = reinterpret_cast<char*>(halves);
    for (size_t i = 0; i < size; ++i) bytes[i] = out[i] = from[i];
  }
  Vector vector;
  std::memcpy(&vector, halves, sizeof vector);
  return IsNone(Special(vector));
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
  constexpr size_t kStep = sizeof(Vector);
  const char* const from = text.data();
  const size_t size = text.size();
  if (size < kStep) return CopyIfPlainShort(from, size, out);
  // The last step, which may repeat some of the one before, first.
  VectorMask special = Special(Copy<Vector>(from + size - kStep, out + size - kStep));
  for (size_t at = 0; at + kStep < size; at += kStep) special |= Special(Copy<Vector>(from + at, out + at));
  return IsNone(special);
}

}  // namespace headgate::metrics
