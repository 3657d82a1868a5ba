// What was counted, as numbers: for a judge that compares versions, and for pages. No text of the exposition.
// A value; made by Registry::TakeReading.
// Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "metrics/histogram.h"
#include "metrics/reasons.h"

namespace headgate::metrics {

// Index: the first digit of a status (1 for 1xx); 0 for what is no status.
inline constexpr size_t kCodeClasses = 6;

struct BackendReading {
  std::string route, upstream;  // "_none": no upstream was chosen; "_other": beyond the cap
  std::array<uint64_t, kCodeClasses> requests{};
  std::array<uint64_t, kGrpcStatusLabels.size()> grpc{};  // index: GrpcStatusLabel
  HistogramValue duration{};
};

struct RouteReading {
  std::string route;
  std::array<uint64_t, kProxyErrorReasonCount> errors{};  // index: ProxyErrorReason
  int64_t requests_active = 0;
  int64_t tunnels_active = 0;
};

struct UpstreamReading {
  std::string upstream;
  std::array<uint64_t, kUpstreamResultCount> requests{};     // index: UpstreamResult
  std::array<int64_t, kConnectionStateCount> connections{};  // index: ConnectionState
  std::array<int64_t, kEndpointStateCount> endpoints{};      // index: EndpointState
  uint64_t retries = 0;
  HistogramValue response{};
};

// Counters only ever grow while a name is used; a reader takes differences. In the order of the names, `_other` last.
struct Reading {
  std::vector<BackendReading> backends;
  std::vector<RouteReading> routes;
  std::vector<UpstreamReading> upstreams;
};

}  // namespace headgate::metrics
