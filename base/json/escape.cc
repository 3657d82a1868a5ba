#include "base/json/escape.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace headgate::base::json {
namespace {

constexpr std::string_view kReplacement = "\\ufffd";

// Bytes that stand for themselves.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x7f; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

bool IsTail(char c) noexcept { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; }

// Length of the valid UTF-8 sequence of two to four bytes that `text` begins with (RFC 3629: no overlong forms, no
// surrogates, nothing above U+10FFFF), 0 if there is none.
size_t SequenceLength(std::string_view text) noexcept {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                        : (lead & 0xf0U) == 0xe0       ? 3
                        : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                       : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (!IsTail(text[i])) return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  const bool bad = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                   (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
  return bad ? 0 : length;
}

// U+0080 to U+009F, which a terminal may obey: C2 and the character itself.
bool IsLateControl(std::string_view sequence) noexcept {
  return sequence.size() == 2 && static_cast<unsigned char>(sequence[0]) == 0xc2 &&
         static_cast<unsigned char>(sequence[1]) < 0xa0;
}

// The escape of a character below U+0100 that is not plain, in `buffer`.
std::string_view EscapeOf(char c, std::array<char, 6>& buffer) noexcept {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  buffer = {'\\', 'u', '0', '0', kDigits[byte >> 4U], kDigits[byte & 15U]};
  return {buffer.data(), buffer.size()};
}

}  // namespace

Escaped AppendEscaped(std::span<char> out, std::string_view text) noexcept {
  Escaped done;
  std::array<char, 6> buffer{};
  while (done.consumed < text.size()) {
    const std::string_view rest = text.substr(done.consumed);
    size_t consumed = 0;
    std::string_view piece;
    if (kPlain[static_cast<unsigned char>(rest[0])]) {
      const size_t room = std::min(rest.size(), out.size() - done.written);
      while (consumed < room && kPlain[static_cast<unsigned char>(rest[consumed])]) ++consumed;
      if (consumed == 0) return done;
      piece = rest.substr(0, consumed);
    } else if (static_cast<unsigned char>(rest[0]) < 0x80) {
      consumed = 1;
      piece = EscapeOf(rest[0], buffer);
    } else {
      const size_t length = SequenceLength(rest);
      consumed = std::max<size_t>(length, 1);
      piece = length == 0 ? kReplacement : rest.substr(0, length);
      if (IsLateControl(piece)) piece = EscapeOf(piece[1], buffer);
    }
    if (piece.size() > out.size() - done.written) return done;
    std::memcpy(out.data() + done.written, piece.data(), piece.size());
    done.written += piece.size();
    done.consumed += consumed;
  }
  return done;
}

}  // namespace headgate::base::json
