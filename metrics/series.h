// The ids that the proxy counts with, grouped as it meets them: a route, an upstream, a listener, the process.
// Made by metrics::Registry; a Snapshot holds the shared_ptr and so keeps the series alive.
// Immutable once made; any thread.
#pragma once

#include <array>
#include <vector>

#include "metrics/ids.h"
#include "metrics/reasons.h"

namespace headgate::metrics {

// headgate_requests_total, headgate_grpc_requests_total and headgate_request_duration_seconds of one (route, upstream).
struct BackendSeries {
  RequestsId requests;
  HistogramId duration;
};

struct RouteSeries {
  GaugeId requests_active;
  GaugeId tunnels_active;
  CounterId request_bytes;   // bodies, from the client
  CounterId response_bytes;  // bodies, to the client
  ErrorsId errors;
  CounterId rate_limited;  // those that rateLimit.dryRun let pass included
  // [0] is upstream="_none": no upstream was reached. [i + 1] is the i-th upstream given to Registry::Route.
  std::vector<BackendSeries> backends{1};
};

struct UpstreamSeries {
  std::array<CounterId, kUpstreamResultCount> requests;    // index: UpstreamResult
  std::array<CounterId, kConnectResultCount> connects;     // index: ConnectResult
  std::array<GaugeId, kConnectionStateCount> connections;  // index: ConnectionState
  // Index: EndpointState. Either one thread sets them (Registry::Set) or each transition is added once in the process.
  std::array<GaugeId, kEndpointStateCount> endpoints;
  GaugeId connections_limit;  // Registry::Set; 0 when there is none
  CounterId retries;
  CounterId retries_over_budget;
  GaugeId pending;       // Registry::Set; requests that wait for a connection
  GaugeId circuit_open;  // Registry::Set; 1: neither a connection nor a place in the line is left
  HistogramId response;  // request sent to response head
};

struct ListenerSeries {
  std::array<GaugeId, kConnectionStateCount> connections;              // index: ConnectionState
  GaugeId connections_limit;                                           // Registry::Set; 0 when there is none
  GaugeId streams_active;                                              // HTTP/2 requests that are open
  std::array<CounterId, kConnectionProtocolCount> accepted_protocols;  // index: ConnectionProtocol
  CounterId accepts;
  CounterId accept_errors;
  CounterId refused;  // at once: its client has enough
  CounterId proxy_headers_refused;
};

struct ProcessSeries {
  std::array<CounterId, kRejectReasonCount> requests_rejected;  // index: RejectReason
  std::array<CounterId, kTlsHandshakeCount> tls_handshakes;     // index: TlsHandshake
  HistogramId proxy_overhead{kScratchHistogramCell, BucketLayout::kInternal};
  HistogramId loop_delay{kScratchHistogramCell, BucketLayout::kInternal};
  CounterId access_log_dropped;
  CounterId metrics_overflow;  // the registry's own
  GaugeId snapshots_active;    // generations of the configuration that somebody still holds
  GaugeId memory_limit;        // Registry::Set; in bytes, 0: none
};

}  // namespace headgate::metrics
