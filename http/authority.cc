#include <algorithm>
#include <array>

#include "base/ip.h"
#include "http/ascii.h"
#include "http/uri.h"

namespace headgate::http {
namespace {

constexpr size_t kHostBytesMax = 255;

base::Error Bad(const char* detail) noexcept {
  return {base::ErrorCode::kBadRequest, base::Side::kClient, base::Retry::kNever, detail};
}

// Letters, digits, '-', '.', '_': what names in DNS and IPv4 addresses are made of. Upper case is marked.
enum HostClass : uint8_t { kBad, kFine, kUpper, kDot };
constexpr auto MakeHostTable() {
  std::array<HostClass, 256> table{};
  for (size_t i = 0; i < table.size(); ++i) {
    const char c = static_cast<char>(i);
    if ((c >= 'a' && c <= 'z') || IsDigit(c) || c == '-' || c == '_') table[i] = kFine;
    if (c >= 'A' && c <= 'Z') table[i] = kUpper;
    if (c == '.') table[i] = kDot;
  }
  return table;
}
constexpr auto kHostTable = MakeHostTable();

// ":" and 1 to 5 digits, not 0; or nothing.
bool ParsePort(std::string_view text, uint16_t& port) noexcept {
  if (text.empty()) return true;
  uint64_t value = 0;
  if (text.front() != ':' || text.size() > 6 || !ParseDecimal(text.substr(1), value)) return false;
  if (value == 0 || value > 65535) return false;
  port = static_cast<uint16_t>(value);
  return true;
}

base::Result<Authority> ParseIpLiteral(std::string_view text, base::Arena& arena) noexcept {
  const size_t close = text.find(']');
  if (close == std::string_view::npos) return Bad("host: no ] behind the address");
  Authority authority;
  if (!ParsePort(text.substr(close + 1), authority.port)) return Bad("host: bad port");
  const std::string_view inner = text.substr(1, close - 1);
  const auto ip = base::IpAddress::Parse(inner);
  if (!ip.has_value() || inner.find(':') == std::string_view::npos) return Bad("host: bad address");
  std::array<char, base::IpAddress::kTextMax> canonical;
  const std::string_view ip_text(canonical.data(), ip->Format(canonical));
  authority.host = ip->is_v4() ? arena.Copy(ip_text) : arena.Concat({"[", ip_text, "]"});
  return authority;
}

}  // namespace

base::Result<Authority> ParseAuthority(std::string_view text, base::Arena& arena) noexcept {
  if (text.empty()) return Bad("host is empty");
  if (text.front() == '[') return ParseIpLiteral(text, arena);
  bool upper = false;
  bool after_dot = true;  // a label may not be empty
  size_t size = 0;
  for (; size < text.size() && text[size] != ':'; ++size) {
    const HostClass c = kHostTable[static_cast<uint8_t>(text[size])];
    if (c == kBad) return Bad(text[size] == '@' ? "host with user information" : "bad character in host");
    if (c == kDot && after_dot) return Bad("host: empty label");
    upper |= c == kUpper;
    after_dot = c == kDot;
  }
  Authority authority;
  if (!ParsePort(text.substr(size), authority.port)) return Bad("host: bad port");
  authority.host = text.substr(0, size);
  if (size != 0 && after_dot) authority.host.remove_suffix(1);
  if (authority.host.empty()) return Bad("host is empty");
  if (authority.host.size() > kHostBytesMax) return Bad("host is too long");
  if (upper) {
    char* lower = arena.AllocateArray<char>(authority.host.size());
    std::copy(authority.host.begin(), authority.host.end(), lower);
    LowerInPlace(lower, authority.host.size());
    authority.host = {lower, authority.host.size()};
  }
  return authority;
}

}  // namespace headgate::http
