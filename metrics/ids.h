// Ids of cells: what the request path holds instead of a metric's name and labels.
// Assigned by metrics::Registry when a Snapshot is compiled, held by it in the structs of series.h.
// Values, any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace headgate::metrics {

// A default id points at scratch cells that are never exported, so a series that nobody registered is harmless.
inline constexpr uint32_t kScratchRequestsCell = 32;
inline constexpr uint32_t kScratchHistogramCell = 48;
inline constexpr uint32_t kScratchErrorsCell = 64;
inline constexpr uint32_t kFirstCell = 128;

struct CounterId {
  uint32_t cell = 0;
  bool operator==(const CounterId&) const = default;
};

struct GaugeId {
  uint32_t cell = 1;
  bool operator==(const GaugeId&) const = default;
};

// Which bounds a histogram has. kRequest: 1 ms to 10 s; kInternal: 10 us to 100 ms.
enum class BucketLayout : uint8_t { kRequest, kInternal };
inline constexpr size_t kBucketLayoutCount = 2;

// 16 cells: 14 buckets (the last is +Inf; not cumulative), then the sum in nanoseconds.
struct HistogramId {
  uint32_t cell = kScratchHistogramCell;
  BucketLayout layout = BucketLayout::kRequest;
  bool operator==(const HistogramId&) const = default;
};

// 16 cells: 7 pairs of (method and code, or gRPC status; count), then a link to more of them.
struct RequestsId {
  uint32_t cell = kScratchRequestsCell;
  bool operator==(const RequestsId&) const = default;
};

// One cell per ProxyErrorReason.
struct ErrorsId {
  uint32_t cell = kScratchErrorsCell;
  bool operator==(const ErrorsId&) const = default;
};

}  // namespace headgate::metrics
