#include "proxy/net/proxy_protocol.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace headgate::proxy::net {
namespace {

using Kind = ProxyHeaderResult::Kind;
using Parties = ProxyHeader::Parties;

constexpr std::string_view kSignature1 = "PROXY ";
constexpr std::string_view kSignature2{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr size_t kLineMax = 107;    // of version 1, CRLF included
constexpr size_t kFixedBytes = 16;  // of version 2: signature, command, family, length
constexpr size_t kInetBytes = 12;
constexpr size_t kInet6Bytes = 36;
constexpr size_t kUnixBytes = 216;
constexpr uint8_t kTlvCrc32c = 0x03;

ProxyHeaderResult Bad(const char* reason) noexcept { return {Kind::kBad, {}, reason}; }
ProxyHeaderResult More() noexcept { return {Kind::kMore, {}, ""}; }
ProxyHeaderResult Done(size_t bytes, std::optional<Parties> parties) noexcept {
  return {Kind::kDone, {parties, bytes}, ""};
}

uint8_t Byte(std::string_view bytes, size_t at) noexcept { return static_cast<uint8_t>(bytes[at]); }
uint16_t Number16(std::string_view bytes, size_t at) noexcept {
  return static_cast<uint16_t>((Byte(bytes, at) << 8U) | Byte(bytes, at + 1));
}
uint32_t Number32(std::string_view bytes, size_t at) noexcept {
  return (uint32_t{Number16(bytes, at)} << 16U) | Number16(bytes, at + 2);
}

// Takes the text up to the next space out of `line`; nothing when there is none.
std::optional<std::string_view> TakeWord(std::string_view& line) noexcept {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space + 1);
  return word;
}

// 0 to 65535 in decimal without leading zeros.
std::optional<uint16_t> PortOf(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// "192.0.2.1 192.0.2.2 56324 443"
std::optional<Parties> PartiesOfLine(std::string_view line, bool v6) noexcept {
  const auto source = TakeWord(line);
  const auto destination = source ? TakeWord(line) : std::nullopt;
  const auto source_port = destination ? TakeWord(line) : std::nullopt;
  if (!source_port) return std::nullopt;
  const auto has_colon = [](std::string_view text) { return text.find(':') != std::string_view::npos; };
  if (has_colon(*source) != v6 || has_colon(*destination) != v6) return std::nullopt;
  const auto from = base::IpAddress::Parse(*source);
  const auto to = base::IpAddress::Parse(*destination);
  const auto from_port = PortOf(*source_port);
  const auto to_port = PortOf(line);
  if (!from || !to || !from_port || !to_port) return std::nullopt;
  return Parties{{*from, *from_port}, {*to, *to_port}};
}

ProxyHeaderResult ParseLine(std::string_view arrived) noexcept {
  const std::string_view head = arrived.substr(0, kLineMax);
  const size_t lf = head.find('\n');
  const size_t cr = head.find('\r');
  if (cr != std::string_view::npos && cr + 1 < head.size() && head[cr + 1] != '\n') return Bad("a CR without LF");
  if (lf == std::string_view::npos) return head.size() == kLineMax ? Bad("a line of more than 107 bytes") : More();
  if (cr == std::string_view::npos || cr + 1 != lf) return Bad("a line that does not end with CRLF");
  std::string_view line = head.substr(kSignature1.size(), cr - kSignature1.size());
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return Done(lf + 1, std::nullopt);
  const bool v6 = line.starts_with("TCP6 ");
  if (!v6 && !line.starts_with("TCP4 ")) return Bad("a family that is none of TCP4, TCP6, UNKNOWN");
  line.remove_prefix(5);
  const std::optional<Parties> parties = PartiesOfLine(line, v6);
  return parties ? Done(lf + 1, parties) : Bad("malformed addresses");
}

// CRC-32C (RFC 4960, appendix B) with the four bytes at `hole` taken as zero.
uint32_t Crc32c(std::string_view bytes, size_t hole) noexcept {
  constexpr uint32_t kPolynomial = 0x82f63b78;
  uint32_t crc = ~uint32_t{0};
  for (size_t i = 0; i < bytes.size(); ++i) {
    crc ^= i >= hole && i < hole + 4 ? 0U : Byte(bytes, i);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
  }
  return ~crc;
}

// Null: the TLVs from `at` on fill the header, and its checksum, if there is one, is right.
const char* FaultOfTlvs(std::string_view header, size_t at) noexcept {
  size_t checksum = 0;  // where it lies
  while (at < header.size()) {
    if (header.size() - at < 3) return "a cut TLV";
    const size_t length = Number16(header, at + 1);
    if (header.size() - at - 3 < length) return "a TLV beyond the header's end";
    if (Byte(header, at) == kTlvCrc32c) {
      if (length != 4 || checksum != 0) return "a malformed checksum";
      checksum = at + 3;
    }
    at += 3 + length;
  }
  if (checksum == 0) return nullptr;
  return Crc32c(header, checksum) == Number32(header, checksum) ? nullptr : "a wrong checksum";
}

base::IpAddress AddressAt(std::string_view header, size_t at, bool v6) noexcept {
  if (!v6) return base::IpAddress::V4(Number32(header, at));
  std::array<uint8_t, 16> bytes;
  std::memcpy(bytes.data(), header.data() + at, bytes.size());
  return base::IpAddress::FromBytes(bytes);
}

Parties PartiesAt(std::string_view header, bool v6) noexcept {
  const size_t width = v6 ? 16 : 4;
  const size_t ports = kFixedBytes + 2 * width;
  return {{AddressAt(header, kFixedBytes, v6), Number16(header, ports)},
          {AddressAt(header, kFixedBytes + width, v6), Number16(header, ports + 2)}};
}

ProxyHeaderResult ParseBinary(std::string_view arrived) noexcept {
  if (arrived.size() > 12 && (Byte(arrived, 12) >> 4U) != 2) return Bad("a version that is not 2");
  if (arrived.size() > 12 && (Byte(arrived, 12) & 0xfU) > 1) return Bad("a command that is neither LOCAL nor PROXY");
  if (arrived.size() > 13 && ((Byte(arrived, 13) >> 4U) > 3 || (Byte(arrived, 13) & 0xfU) > 2)) {
    return Bad("an unknown address family or transport");
  }
  if (arrived.size() < kFixedBytes) return More();
  const size_t size = kFixedBytes + Number16(arrived, 14);
  if (size > kProxyHeaderMax) return Bad("a header of more than 4096 bytes");
  const bool local = (Byte(arrived, 12) & 0xfU) == 0;
  const unsigned family = Byte(arrived, 13) >> 4U;
  const bool stream = (Byte(arrived, 13) & 0xfU) == 1;
  constexpr std::array<size_t, 4> kAddressBytes = {0, kInetBytes, kInet6Bytes, kUnixBytes};
  if (!local && size < kFixedBytes + kAddressBytes[family]) return Bad("a length too short for the addresses");
  if (arrived.size() < size) return More();
  // What LOCAL and an unspecified family carry is not to be looked at.
  if (local || family == 0) return Done(size, std::nullopt);
  const std::string_view header = arrived.substr(0, size);
  if (const char* fault = FaultOfTlvs(header, kFixedBytes + kAddressBytes[family])) return Bad(fault);
  if (!stream || family == 3) return Done(size, std::nullopt);
  return Done(size, PartiesAt(header, family == 2));
}

class Writer {
 public:
  explicit Writer(std::span<char, kProxyWrittenMax> out) noexcept : out_(out) {}
  void Text(std::string_view text) noexcept {
    std::memcpy(out_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  void Number(uint16_t number) noexcept {
    char* at = out_.data() + size_;
    size_ += static_cast<size_t>(std::to_chars(at, out_.data() + out_.size(), number).ptr - at);
  }
  void Bytes16(uint16_t number) noexcept {
    out_[size_++] = static_cast<char>(number >> 8U);
    out_[size_++] = static_cast<char>(number & 0xffU);
  }
  // IPv4 is held as ::ffff:a.b.c.d.
  void Address(const base::IpAddress& ip, bool v6) noexcept {
    const size_t skipped = v6 ? 0 : 12;
    Text({reinterpret_cast<const char*>(ip.bytes().data()) + skipped, 16 - skipped});
  }
  void AddressText(const base::IpAddress& ip, bool v6) noexcept {
    std::array<char, base::IpAddress::kTextMax> text;
    if (v6 && ip.is_v4()) Text("::ffff:");
    Text({text.data(), ip.Format(text)});
  }
  size_t size() const noexcept { return size_; }

 private:
  std::span<char, kProxyWrittenMax> out_;
  size_t size_ = 0;
};

void WriteLine(const Parties& parties, bool v6, Writer& writer) noexcept {
  writer.Text(v6 ? "PROXY TCP6 " : "PROXY TCP4 ");
  writer.AddressText(parties.source.ip, v6);
  writer.Text(" ");
  writer.AddressText(parties.destination.ip, v6);
  writer.Text(" ");
  writer.Number(parties.source.port);
  writer.Text(" ");
  writer.Number(parties.destination.port);
  writer.Text("\r\n");
}

void WriteBinary(const Parties& parties, bool v6, Writer& writer) noexcept {
  writer.Text(kSignature2);
  writer.Text(v6 ? "\x21\x21" : "\x21\x11");
  writer.Bytes16(v6 ? kInet6Bytes : kInetBytes);
  writer.Address(parties.source.ip, v6);
  writer.Address(parties.destination.ip, v6);
  writer.Bytes16(parties.source.port);
  writer.Bytes16(parties.destination.port);
}

}  // namespace

ProxyHeaderResult ParseProxyHeader(std::string_view arrived) noexcept {
  const auto begins = [arrived](std::string_view signature) {
    const size_t known = std::min(arrived.size(), signature.size());
    return arrived.substr(0, known) == signature.substr(0, known);
  };
  if (begins(kSignature2)) return arrived.size() < kSignature2.size() ? More() : ParseBinary(arrived);
  if (begins(kSignature1)) return arrived.size() < kSignature1.size() ? More() : ParseLine(arrived);
  return Bad("no PROXY header");
}

size_t WriteProxyHeader(ProxyProtocolVersion version, const Parties& parties,
                        std::span<char, kProxyWrittenMax> out) noexcept {
  const bool v6 = !parties.source.ip.is_v4() || !parties.destination.ip.is_v4();
  Writer writer(out);
  if (version == ProxyProtocolVersion::kV1) {
    WriteLine(parties, v6, writer);
  } else {
    WriteBinary(parties, v6, writer);
  }
  return writer.size();
}

}  // namespace headgate::proxy::net
