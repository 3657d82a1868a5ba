// Every default of the configuration file, as the field table (fields.cc) states it; a test holds the two together.
// Nobody owns it: constants.
// Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace headgate::config::defaults {

using Ns = std::chrono::nanoseconds;

inline constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();
inline constexpr Ns kNever = Ns::max();

// limits
inline constexpr uint64_t kMaxConnections = kUnlimited;
inline constexpr uint64_t kRequestHeadBytes = 32 * 1024;
inline constexpr uint64_t kFieldSizeBytes = 16 * 1024;
inline constexpr uint64_t kFields = 100;
inline constexpr uint64_t kTargetBytes = 8 * 1024;
inline constexpr Ns kHeadTimeout = std::chrono::seconds(10);
inline constexpr Ns kKeepAlive = std::chrono::seconds(60);
inline constexpr Ns kTlsHandshake = std::chrono::seconds(5);
inline constexpr Ns kBodyIdle = std::chrono::seconds(15);
inline constexpr uint64_t kBodyRateBytesPerSecond = 240;
inline constexpr uint64_t kReadRateBytesPerSecond = 34;
inline constexpr uint64_t kUpstreamHeadBytes = 64 * 1024;
inline constexpr uint64_t kStreamBufferBytes = 64 * 1024;
inline constexpr uint64_t kH2Streams = 100;
inline constexpr uint64_t kH2WindowBytes = 64 * 1024;
inline constexpr uint64_t kH2ConnectionBytes = 4 * 1024 * 1024;

// process
inline constexpr char kAdminAddress[] = "127.0.0.1:9901";
inline constexpr char kMetricsAddress[] = "0.0.0.0:9090";
inline constexpr uint32_t kAccessLogSamplePpm = 1'000'000;
inline constexpr bool kAccessLogQuery = false;
inline constexpr Ns kLameDuck = std::chrono::seconds(5);
inline constexpr Ns kDrainTimeout = std::chrono::seconds(20);
inline constexpr bool kVia = false;

// upstreams
inline constexpr uint32_t kEndpointWeight = 1;
inline constexpr bool kTlsVerify = true;
inline constexpr uint64_t kConnectionsMax = 1024;
inline constexpr uint64_t kConnectionsMaxPending = 1024;
inline constexpr uint64_t kConnectionsMaxRequests = 0;  // no limit
inline constexpr Ns kConnectionsMaxAge = std::chrono::minutes(5);
inline constexpr Ns kConnectionsIdleTimeout = std::chrono::seconds(60);
inline constexpr Ns kConnectTimeout = std::chrono::seconds(2);

// routes
inline constexpr Ns kRequestTimeout = kNever;
inline constexpr Ns kBackendRequestTimeout = kNever;
inline constexpr Ns kIdleTimeout = std::chrono::seconds(60);
inline constexpr Ns kTunnelIdleTimeout = std::chrono::hours(1);  // where timeouts.idle is absent
inline constexpr Ns kRateLimitPer = std::chrono::seconds(1);
inline constexpr uint32_t kRetryAttempts = 2;
inline constexpr Ns kRetryBackoff = std::chrono::milliseconds(25);
inline constexpr uint32_t kRetryBudgetPpm = 200'000;
inline constexpr bool kWebsocket = true;
inline constexpr uint32_t kBackendWeight = 1;
inline constexpr bool kStickyStrict = false;
inline constexpr uint16_t kRedirectStatus = 302;

}  // namespace headgate::config::defaults
