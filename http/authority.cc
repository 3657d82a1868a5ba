#include <algorithm>
#include <array>

#include "base/ip.h"
#include "http/ascii.h"
#include "http/uri.h"

namespace headgate::http {
namespace {

constexpr size_t kHostBytesMax = 255;

base::Error BadHost(const char* detail) noexcept {
  return {base::ErrorCode::kBadRequest, base::Side::kClient, base::Retry::kNever, detail};
}

// Letters, digits, '-', '.', '_': what names in DNS and IPv4 addresses are made of. Bits.
enum HostClass : uint8_t { kFine = 0, kUpper = 1, kDot = 2, kStop = 4 };
constexpr auto MakeHostTable() {
  std::array<HostClass, 256> table{};
  for (size_t i = 0; i < table.size(); ++i) {
    const char c = static_cast<char>(i);
    const bool fine = (c >= 'a' && c <= 'z') || IsDigit(c) || c == '-' || c == '_';
    table[i] = c >= 'A' && c <= 'Z' ? kUpper : c == '.' ? kDot : fine ? kFine : kStop;
  }
  return table;
}
constexpr auto kHostTable = MakeHostTable();

// ":" and 1 to 5 digits, not 0; or nothing, behind a colon too (RFC 3986 3.2.3).
bool ParsePort(std::string_view text, uint16_t& port) noexcept {
  if (text.empty() || text == ":") return true;
  uint64_t value = 0;
  if (text.front() != ':' || text.size() > 6 || !ParseDecimal(text.substr(1), value)) return false;
  if (value == 0 || value > 65535) return false;
  port = static_cast<uint16_t>(value);
  return true;
}

base::Result<Authority> ParseIpLiteral(std::string_view text, base::Arena& arena) noexcept {
  const size_t close = text.find(']');
  if (close == std::string_view::npos) return BadHost("host: no ] behind the address");
  Authority authority;
  if (!ParsePort(text.substr(close + 1), authority.port)) return BadHost("host: bad port");
  const std::string_view inner = text.substr(1, close - 1);
  const auto ip = base::IpAddress::Parse(inner);
  if (!ip.has_value() || inner.find(':') == std::string_view::npos) return BadHost("host: bad address");
  std::array<char, base::IpAddress::kTextMax> canonical;
  const std::string_view ip_text(canonical.data(), ip->Format(canonical));
  authority.host = ip->is_v4() ? arena.Copy(ip_text) : arena.Concat({"[", ip_text, "]"});
  return authority;
}

}  // namespace

base::Result<Authority> ParseAuthority(std::string_view text, base::Arena& arena) noexcept {
  if (text.empty()) return BadHost("host is empty");
  if (text.front() == '[') return ParseIpLiteral(text, arena);
  unsigned seen = 0;
  unsigned previous = kDot;  // a label may not be empty
  size_t size = 0;
  for (; size < text.size(); ++size) {
    const unsigned byte_class = kHostTable[static_cast<uint8_t>(text[size])];
    if (byte_class == kStop) break;
    if ((byte_class & previous) != 0 && byte_class == kDot) return BadHost("host: empty label");
    seen |= byte_class;
    previous = byte_class;
  }
  if (size != text.size() && text[size] != ':') {
    return BadHost(text[size] == '@' ? "host with user information" : "bad character in host");
  }
  Authority authority;
  if (!ParsePort(text.substr(size), authority.port)) return BadHost("host: bad port");
  authority.host = text.substr(0, size);
  if (size != 0 && previous == kDot) authority.host.remove_suffix(1);
  if (authority.host.empty()) return BadHost("host is empty");
  if (authority.host.size() > kHostBytesMax) return BadHost("host is too long");
  if ((seen & kUpper) != 0) {
    char* lower = arena.AllocateArray<char>(authority.host.size());
    std::copy(authority.host.begin(), authority.host.end(), lower);
    LowerInPlace(lower, authority.host.size());
    authority.host = {lower, authority.host.size()};
  }
  return authority;
}

}  // namespace headgate::http
