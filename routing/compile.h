// From the file as it was written to what it means: config::Model -> Compiled. The only place that knows both.
// The result is owned by the snapshot; unchanged routes and upstreams are shared with the previous result.
// Control thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "config/diagnostic.h"
#include "config/model.h"
#include "routing/policy/listener.h"
#include "routing/policy/route.h"
#include "routing/policy/upstream.h"
#include "routing/route_table.h"

namespace headgate::routing {

struct AccessLogPolicy {
  enum class To : uint8_t { kStdout, kStderr, kFile, kOff };
  To to = To::kStdout;
  std::string file;
  double sample_percent = 100;
  bool query = false;
};

struct CompileSources;

// Everything the configuration decides, as plain data.
struct Compiled {
  std::vector<std::shared_ptr<const ListenerPolicy>> listeners;
  std::vector<std::shared_ptr<const UpstreamPolicy>> upstreams;
  std::vector<std::shared_ptr<const RoutePolicy>> routes;
  RouteTable table;
  std::vector<base::Cidr> trusted_proxies;
  bool via = false;
  uint64_t max_connections = 0;  // of the process; 0: none
  std::optional<uint32_t> workers;
  std::optional<base::SocketAddress> admin_address;  // nothing: off
  std::string admin_token_file;
  std::optional<base::SocketAddress> metrics_address;
  AccessLogPolicy access_log;
  base::Duration lame_duck = std::chrono::seconds(5);
  base::Duration drain_timeout = std::chrono::seconds(20);
  // What all of it was made from, for the next Compile() to see what did not change. Opaque.
  std::shared_ptr<const CompileSources> sources;
};

// Of a valid model. Problems that only meaning shows (a pattern that does not compile, a substitution's group that does
// not exist) go to `diagnostics`; null when there was an error. Routes and upstreams that did not change are the same
// objects as in `previous` (may be null), and upstreams keep their order: a route's indexes stay right.
std::shared_ptr<const Compiled> Compile(const config::Model& model, const Compiled* previous,
                                        config::DiagnosticList& diagnostics);

// The same problems of one file by itself (config::UnitCheck): its routes and defaults, whatever upstreams there are.
void CheckUnit(const config::Model& unit, config::DiagnosticList& diagnostics);

}  // namespace headgate::routing
