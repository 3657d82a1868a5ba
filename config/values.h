// The small value types of the configuration file: addresses, percentages, file paths.
// Owned by the config::Model that holds them.
// Plain data, any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/ip.h"

namespace headgate::config {

using Duration = std::chrono::nanoseconds;

/// `host:port`: an IP address or a DNS name, and a port. No lookup: a name stays a name.
struct HostPort {
  std::string name;    // lower case, without a trailing dot; empty: `ip` counts
  base::IpAddress ip;  // "::" is every address of both families, "0.0.0.0" of IPv4
  uint16_t port = 0;   // never 0 in a valid model

  bool IsName() const { return !name.empty(); }
  bool IsLoopback() const { return IsName() ? name == "localhost" : ip.is_loopback(); }
  base::SocketAddress ToSocketAddress() const { return {ip, port}; }
  std::string ToString() const { return IsName() ? name + ":" + std::to_string(port) : ToSocketAddress().ToString(); }
};

/// A percentage in parts per million, 0 to 1,000,000, so that 0.25% is exact.
struct Percent {
  static constexpr uint32_t kPpmPerPercent = 10'000;
  uint32_t ppm = 0;
};

/// `resolved` starts at the configuration file's folder unless it is absolute, without "." and ".." in it.
struct FilePath {
  std::string written;
  std::string resolved;
};

enum class TlsVersion : uint8_t { kTls12, kTls13 };

}  // namespace headgate::config
