// What an upstream is, as plain data. Its endpoints are not here: they are published apart (architecture.md, 3).
// Part of a compiled configuration: const once published.
// Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "http/header_name.h"

namespace headgate::routing {

enum class LoadBalancingPolicy : uint8_t { kRoundRobin, kLeastRequest, kRandom, kRingHash, kMaglev };

// What of a request kRingHash and kMaglev hash. kNone: the policy hashes nothing.
struct HashOnPolicy {
  enum class By : uint8_t { kNone, kClientIp, kPath, kHeader, kCookie, kQuery };
  By by = By::kNone;
  std::string name;  // of the header (lower case), cookie or query parameter
  http::HeaderId header_id = http::HeaderId::kOther;
  bool operator==(const HashOnPolicy&) const = default;
};

// kH2 is over TLS (ALPN h2); kH2c has prior knowledge (RFC 9113 3.3).
enum class UpstreamProtocol : uint8_t { kHttp1, kH2, kH2c };

struct UpstreamTlsPolicy {
  bool enabled = false;
  bool verify = true;
  std::string server_name;  // SNI and the name to verify; empty: the address's host name
  std::string ca_file;      // empty: the system's store
  std::string cert_file;
  std::string key_file;
  bool operator==(const UpstreamTlsPolicy&) const = default;
};

struct ConnectionsPolicy {
  uint32_t max = 1024;                               // of the process; 0: no limit
  uint32_t max_pending = 1024;                       // of the process; 0: nobody waits
  uint32_t max_requests = 0;                         // per connection; 0: no limit
  base::Duration max_age = std::chrono::minutes(5);  // jittered by 10 %; 0: for ever
  base::Duration idle_timeout = std::chrono::seconds(60);
  base::Duration connect_timeout = std::chrono::seconds(2);
  bool operator==(const ConnectionsPolicy&) const = default;
};

struct StaticEndpoint {
  base::SocketAddress address;
  uint32_t weight = 1;
  bool operator==(const StaticEndpoint&) const = default;
};

struct UpstreamPolicy {
  std::string name;
  // Either a host to resolve (never an IP address)...
  std::string dns_host;
  uint16_t dns_port = 0;
  // ...or fixed endpoints (a single IP address under `address` is one too).
  std::vector<StaticEndpoint> endpoints;
  UpstreamProtocol protocol = UpstreamProtocol::kHttp1;
  LoadBalancingPolicy load_balancing = LoadBalancingPolicy::kRoundRobin;
  HashOnPolicy hash_on;
  UpstreamTlsPolicy tls;
  ConnectionsPolicy connections;
  bool operator==(const UpstreamPolicy&) const = default;
};

}  // namespace headgate::routing
