// The PROXY protocol, versions 1 and 2 (haproxy.org/download/2.8/doc/proxy-protocol.txt): reads and writes the header
// that says who is behind a connection.
// Stateless.
// Any thread. No allocation.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "base/ip.h"

namespace headgate::proxy::net {

enum class ProxyProtocolVersion : uint8_t { kV1 = 1, kV2 = 2 };

// A longer header is refused; TLVs of TLS details and cloud providers need a few hundred bytes.
inline constexpr size_t kProxyHeaderMax = 4096;

struct ProxyHeader {
  struct Parties {
    base::SocketAddress source;
    base::SocketAddress destination;
    bool operator==(const Parties&) const = default;
  };
  // Nothing: the header tells none (UNKNOWN, LOCAL, AF_UNIX, datagrams); the connection's own addresses hold.
  std::optional<Parties> parties;
  size_t bytes = 0;  // of the header; what follows is the connection's first data
};

struct ProxyHeaderResult {
  enum class Kind : uint8_t { kMore, kDone, kBad } kind = Kind::kMore;
  ProxyHeader header;       // kDone
  const char* reason = "";  // kBad: for the log
};

// Judges what has arrived of a connection so far. kMore: a longer beginning is needed, of kProxyHeaderMax bytes at
// most. Everything that the protocol does not allow is kBad as soon as it can be seen.
ProxyHeaderResult ParseProxyHeader(std::string_view arrived) noexcept;

// Writes a header and returns its length. Addresses of different families are both written as IPv6.
inline constexpr size_t kProxyWrittenMax = 107;
size_t WriteProxyHeader(ProxyProtocolVersion version, const ProxyHeader::Parties& parties,
                        std::span<char, kProxyWrittenMax> out) noexcept;

}  // namespace headgate::proxy::net
