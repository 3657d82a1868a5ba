#include "base/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace headgate::base {
namespace {

constexpr std::array<uint8_t, 12> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// A decimal of at most `max` without sign, space or leading zero.
std::optional<unsigned> ParseDecimal(std::string_view text, unsigned max) noexcept {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

bool BitsAreZeroFrom(const std::array<uint8_t, 16>& bytes, unsigned bit) noexcept {
  for (; bit < 128; ++bit) {
    if ((bytes[bit / 8] & (0x80U >> (bit % 8))) != 0) return false;
  }
  return true;
}

}  // namespace

IpAddress IpAddress::V4(uint32_t host_order) noexcept {
  IpAddress ip;
  std::copy(kV4Prefix.begin(), kV4Prefix.end(), ip.bytes_.begin());
  for (size_t i = 0; i < 4; ++i) ip.bytes_[12 + i] = static_cast<uint8_t>(host_order >> (24 - 8 * i));
  return ip;
}

IpAddress IpAddress::FromBytes(std::span<const uint8_t, 16> network_order) noexcept {
  IpAddress ip;
  std::copy(network_order.begin(), network_order.end(), ip.bytes_.begin());
  return ip;
}

std::optional<IpAddress> IpAddress::Parse(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.empty() || text.size() >= copy.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::copy(text.begin(), text.end(), copy.begin());
  if (text.find(':') != std::string_view::npos) {
    IpAddress ip;
    if (inet_pton(AF_INET6, copy.data(), ip.bytes_.data()) != 1) return std::nullopt;
    return ip;
  }
  in_addr v4{};
  if (inet_pton(AF_INET, copy.data(), &v4) != 1) return std::nullopt;
  return V4(ntohl(v4.s_addr));
}

bool IpAddress::is_v4() const noexcept { return std::equal(kV4Prefix.begin(), kV4Prefix.end(), bytes_.begin()); }

bool IpAddress::is_loopback() const noexcept {
  if (is_v4()) return bytes_[12] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](uint8_t byte) { return byte == 0; }) && bytes_[15] == 1;
}

size_t IpAddress::Format(std::span<char, kTextMax> out) const noexcept {
  if (is_v4()) {
    char* at = out.data();
    for (size_t i = 12; i < 16; ++i) {
      if (i > 12) *at++ = '.';
      at = std::to_chars(at, out.data() + out.size(), bytes_[i]).ptr;
    }
    return static_cast<size_t>(at - out.data());
  }
  // RFC 5952 4.2: the longest run of at least two zero groups, the first of equals, is written "::".
  std::array<unsigned, 8> groups{};
  for (size_t i = 0; i < 8; ++i) groups[i] = (unsigned{bytes_[2 * i]} << 8U) | bytes_[2 * i + 1];
  size_t run_start = 8;
  size_t run_length = 1;
  for (size_t i = 0; i < 8; ++i) {
    size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > run_length) {
      run_start = i;
      run_length = end - i;
    }
    i = end;
  }
  char* at = out.data();
  for (size_t i = 0; i < 8;) {
    if (i == run_start) {
      *at++ = ':';
      *at++ = ':';
      i += run_length;
      continue;
    }
    if (i > 0 && i != run_start + run_length) *at++ = ':';
    at = std::to_chars(at, out.data() + out.size(), groups[i], 16).ptr;
    ++i;
  }
  return static_cast<size_t>(at - out.data());
}

std::string IpAddress::ToString() const {
  std::array<char, kTextMax> text{};
  return {text.data(), Format(text)};
}

std::optional<SocketAddress> SocketAddress::Parse(std::string_view text) noexcept {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::optional<unsigned> port = ParseDecimal(text.substr(colon + 1), 65535);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool has_colon = host.find(':') != std::string_view::npos;
  if (!port || bracketed != has_colon) return std::nullopt;
  const std::optional<IpAddress> ip = IpAddress::Parse(host);
  if (!ip) return std::nullopt;
  return SocketAddress{*ip, static_cast<uint16_t>(*port)};
}

std::string SocketAddress::ToString() const {
  const std::string host = ip.ToString();
  return (ip.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::optional<Cidr> Cidr::Parse(std::string_view text) noexcept {
  const size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  const std::optional<IpAddress> ip = IpAddress::Parse(address);
  if (!ip) return std::nullopt;
  Cidr cidr;
  cidr.network_ = *ip;
  cidr.bits_ = 128;
  if (slash == std::string_view::npos) return cidr;
  // "::ffff:10.0.0.0/104" counts its bits as IPv6 does, "10.0.0.0/8" as IPv4 does.
  const unsigned offset = address.find(':') == std::string_view::npos ? 96 : 0;
  const std::optional<unsigned> bits = ParseDecimal(text.substr(slash + 1), 128 - offset);
  if (!bits || !BitsAreZeroFrom(ip->bytes(), offset + *bits)) return std::nullopt;
  cidr.bits_ = static_cast<uint8_t>(offset + *bits);
  return cidr;
}

bool Cidr::Contains(const IpAddress& ip) const noexcept {
  if (ip.is_v4() != network_.is_v4()) return false;
  const size_t whole = bits_ / 8;
  if (std::memcmp(ip.bytes().data(), network_.bytes().data(), whole) != 0) return false;
  const unsigned rest = bits_ % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff00U >> rest);
  return ((ip.bytes()[whole] ^ network_.bytes()[whole]) & mask) == 0;
}

std::string Cidr::ToString() const {
  // An IPv4 network has ones in its first 96 bits and zeros behind its length, so that it is never shorter.
  return network_.ToString() + "/" + std::to_string(network_.is_v4() ? bits_ - 96 : bits_);
}

bool Contains(std::span<const Cidr> blocks, const IpAddress& ip) noexcept {
  return std::any_of(blocks.begin(), blocks.end(), [&ip](const Cidr& block) { return block.Contains(ip); });
}

}  // namespace headgate::base
