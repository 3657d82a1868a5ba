// Every metric family that headgate exports: name, help, type, labels. docs/metrics.md is checked against it.
// Constants.
// Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "metrics/reasons.h"

namespace headgate::metrics {

enum class MetricType : uint8_t { kCounter, kGauge, kHistogram };

struct FamilyInfo {
  std::string_view name;
  MetricType type;
  std::string_view help;
  std::array<std::string_view, 5> labels = {};  // the empty ones are none
};

// In the order of the exposition.
enum class Family : uint8_t {
  kRequests,
  kGrpcRequests,
  kRequestDuration,
  kRequestsActive,
  kTunnelsActive,
  kRequestBytes,
  kResponseBytes,
  kProxyErrors,
  kRouteWeightRatio,
  kUpstreamRequests,
  kUpstreamResponse,
  kUpstreamConnects,
  kUpstreamConnections,
  kUpstreamConnectionsLimit,
  kUpstreamEndpoints,
  kUpstreamRetries,
  kConnections,
  kConnectionsLimit,
  kStreamsActive,
  kConnectionsByProtocol,
  kAccepts,
  kAcceptErrors,
  kRequestsRejected,
  kTlsHandshakes,
  kProxyOverhead,
  kLoopDelay,
  kAccessLogDropped,
  kMetricsOverflow,
  kSnapshotsActive,
  kCertificateNotAfter,
  kCertificateUsable,
  kBuildInfo,
  kConfigInfo,
  kLastReloadSuccessful,
  kLastReloadTimestamp,
  kConfigReloads,
};

inline constexpr std::array<FamilyInfo, 36> kCatalogue = {{
    {"headgate_requests_total",
     MetricType::kCounter,
     "Requests answered, by route, upstream, method and status code.",
     {"route", "upstream", "method", "code", "code_class"}},
    {"headgate_grpc_requests_total",
     MetricType::kCounter,
     "gRPC requests answered, by route, upstream and gRPC status.",
     {"route", "upstream", "grpc_status"}},
    {"headgate_request_duration_seconds",
     MetricType::kHistogram,
     "Time from a request's first byte in to its response's last byte out; without tunnels.",
     {"route", "upstream"}},
    {"headgate_requests_active", MetricType::kGauge, "Requests in progress.", {"route"}},
    {"headgate_tunnels_active", MetricType::kGauge, "Upgraded connections (WebSockets) that are open.", {"route"}},
    {"headgate_request_bytes_total", MetricType::kCounter, "Bytes of request bodies received from clients.", {"route"}},
    {"headgate_response_bytes_total", MetricType::kCounter, "Bytes of response bodies sent to clients.", {"route"}},
    {"headgate_proxy_errors_total",
     MetricType::kCounter,
     "Requests that did not end well, by reason.",
     {"route", "reason"}},
    {"headgate_route_weight_ratio",
     MetricType::kGauge,
     "Configured share of a route's requests, 0 to 1.",
     {"route", "upstream"}},
    {"headgate_upstream_requests_total",
     MetricType::kCounter,
     "Attempts at an upstream, by their end.",
     {"upstream", "result"}},
    {"headgate_upstream_response_seconds",
     MetricType::kHistogram,
     "Time from the request sent to the response's head received.",
     {"upstream"}},
    {"headgate_upstream_connects_total",
     MetricType::kCounter,
     "New connections to an upstream, by their end.",
     {"upstream", "result"}},
    {"headgate_upstream_connections", MetricType::kGauge, "Open connections to an upstream.", {"upstream", "state"}},
    {"headgate_upstream_connections_limit",
     MetricType::kGauge,
     "Connections that an upstream may have at most; 0 without a limit.",
     {"upstream"}},
    {"headgate_upstream_endpoints", MetricType::kGauge, "Addresses of an upstream.", {"upstream", "state"}},
    {"headgate_upstream_retries_total",
     MetricType::kCounter,
     "Requests that were sent to an upstream once more.",
     {"upstream"}},
    {"headgate_connections", MetricType::kGauge, "Open client connections.", {"listener", "state"}},
    {"headgate_connections_limit",
     MetricType::kGauge,
     "Client connections that a listener may have at most; 0 without a limit.",
     {"listener"}},
    {"headgate_streams_active", MetricType::kGauge, "HTTP/2 requests of clients that are open.", {"listener"}},
    {"headgate_connections_by_protocol_total",
     MetricType::kCounter,
     "Client connections accepted, once it was known what they speak.",
     {"listener", "protocol"}},
    {"headgate_accepts_total", MetricType::kCounter, "Client connections accepted.", {"listener"}},
    {"headgate_accept_errors_total", MetricType::kCounter, "Failures to accept a client connection.", {"listener"}},
    {"headgate_requests_rejected_total",
     MetricType::kCounter,
     "Requests refused before a route was looked for, and HTTP/2 connections ended for abuse.",
     {"reason"}},
    {"headgate_tls_handshakes_total",
     MetricType::kCounter,
     "TLS handshakes with clients, by their end.",
     {"result", "reason", "version", "resumed"}},
    {"headgate_proxy_overhead_seconds", MetricType::kHistogram, "Time that a request spent in the proxy alone."},
    {"headgate_loop_delay_seconds", MetricType::kHistogram, "Time that a ready event waited for its worker."},
    {"headgate_access_log_dropped_total", MetricType::kCounter, "Access log lines lost to a slow or full target."},
    {"headgate_metrics_overflow_total", MetricType::kCounter,
     "Series that were counted as _other because their family was full."},
    {"headgate_config_snapshots_active", MetricType::kGauge, "Generations of the configuration still in use."},
    {"headgate_tls_certificate_not_after_timestamp_seconds",
     MetricType::kGauge,
     "End of a certificate's validity, in seconds since 1970.",
     {"server_name"}},
    {"headgate_tls_certificate_usable",
     MetricType::kGauge,
     "Whether a certificate's files can be used: 1, or 0 while the one read before serves.",
     {"server_name"}},
    {"headgate_build_info",
     MetricType::kGauge,
     "What this binary was built from.",
     {"version", "revision", "compiler"}},
    {"headgate_config_info", MetricType::kGauge, "The configuration in force.", {"hash"}},
    {"headgate_config_last_reload_successful", MetricType::kGauge, "Whether the last reload was taken: 1 or 0."},
    {"headgate_config_last_reload_success_timestamp_seconds", MetricType::kGauge,
     "Time of the last reload that was taken, in seconds since 1970."},
    {"headgate_config_reloads_total", MetricType::kCounter, "Reloads, by result.", {"result"}},
}};

constexpr const FamilyInfo& Info(Family family) noexcept { return kCatalogue[Index(family)]; }
static_assert(Info(Family::kConfigReloads).name == "headgate_config_reloads_total");
static_assert(Info(Family::kCertificateNotAfter).labels[0] == "server_name");

}  // namespace headgate::metrics
