// What the metrics listener answers: /metrics, /livez, /readyz.
// Owned by the handler that it hands out.
// One thread: the HTTP server's. Never waits for a compiler or a worker.
#pragma once

#include <optional>

#include "base/ip.h"
#include "control/admin/gauges.h"
#include "control/pages/message.h"
#include "control/state.h"

namespace headgate::control {

struct PagesContext {
  metrics::Registry* registry = nullptr;
  const base::Clock* clock = nullptr;
  const State* state = nullptr;
  const proxy::WorkerSet* server = nullptr;
  EndpointsOf endpoints;
  NamesOf names;
};

/// A worker whose loop has not turned for this long is taken for dead.
inline constexpr std::chrono::seconds kStalledMax{10};

/// `context` is copied; what it points to outlives the handler.
pages::Handler MetricsPages(PagesContext context);

/// Whether the caller takes gzip (RFC 9110 12.5.3), q=0 respected.
bool AcceptsGzip(std::string_view accept_encoding);

}  // namespace headgate::control
