// The small value types of the configuration file: addresses, address ranges, percentages, file paths.
// Owned by the config::Model that holds them.
// Plain data, any thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace headgate::config {

using Duration = std::chrono::nanoseconds;

enum class HostKind : uint8_t { kName, kV4, kV6 };

/// `host:port` or `[v6]:port`. No socket and no lookup: a name stays a name.
struct HostPort {
  HostKind kind = HostKind::kName;
  std::array<uint8_t, 16> bytes{};  // network order; the first 4 for kV4
  uint16_t port = 0;
  std::string host;  // as written, without brackets; names in lower case

  bool IsLoopback() const;     // 127.0.0.0/8, ::1, ::ffff:127.x, the name localhost
  bool IsUnspecified() const;  // 0.0.0.0, ::
  std::string ToString() const;
};

/// An address range; one address is a range of its full length. ::ffff:a.b.c.d/n is stored as v4.
struct Cidr {
  bool is_v6 = false;
  uint8_t prefix_bits = 0;          // 0..32 or 0..128
  std::array<uint8_t, 16> bytes{};  // network order, bits behind the prefix are 0; the first 4 for v4
};

/// A percentage in parts per million, 0 to 1,000,000, so that 0.25% is exact.
struct Percent {
  uint32_t ppm = 0;
};

/// `resolved` is normalised and absolute where the configuration file's folder is known, else relative to the process.
struct FilePath {
  std::string written;
  std::string resolved;
};

enum class TlsVersion : uint8_t { kTls12, kTls13 };

}  // namespace headgate::config
