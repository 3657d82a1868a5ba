// IP addresses, sockets' addresses and CIDR blocks as values. ::ffff:a.b.c.d is a.b.c.d everywhere.
// Values; nobody owns them.
// Any thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace headgate::base {

// 16 bytes in network order; IPv4 is held as ::ffff:a.b.c.d.
class IpAddress {
 public:
  constexpr IpAddress() noexcept = default;  // "::"
  static IpAddress V4(uint32_t host_order) noexcept;
  static IpAddress FromBytes(std::span<const uint8_t, 16> network_order) noexcept;
  // Dotted quad without leading zeros, or RFC 4291 text without a zone. No port, no brackets.
  static std::optional<IpAddress> Parse(std::string_view text) noexcept;

  bool is_v4() const noexcept;
  bool is_loopback() const noexcept;
  const std::array<uint8_t, 16>& bytes() const noexcept { return bytes_; }
  // Writes the canonical text (RFC 5952) and returns its length; at most kTextMax bytes.
  static constexpr size_t kTextMax = 46;
  size_t Format(std::span<char, kTextMax> out) const noexcept;
  std::string ToString() const;
  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<uint8_t, 16> bytes_{};
};

struct SocketAddress {
  IpAddress ip;
  uint16_t port = 0;
  // "a.b.c.d:port" or "[v6]:port".
  static std::optional<SocketAddress> Parse(std::string_view text) noexcept;
  std::string ToString() const;
  auto operator<=>(const SocketAddress&) const = default;
};

class Cidr {
 public:
  // "10.0.0.0/8", "2001:db8::/32", or an address alone (the whole length). Host bits must be zero.
  static std::optional<Cidr> Parse(std::string_view text) noexcept;
  // An IPv6 block holds no IPv4 address, "::/0" neither.
  bool Contains(const IpAddress& ip) const noexcept;
  std::string ToString() const;
  auto operator<=>(const Cidr&) const = default;

 private:
  IpAddress network_;
  uint8_t bits_ = 0;  // of 128
};

// Whether one of the blocks holds the address.
bool Contains(std::span<const Cidr> blocks, const IpAddress& ip) noexcept;

}  // namespace headgate::base
