// Everything that a configuration decides, as plain data: what the compile step makes and the request path reads.
// Owned by the snapshot; unchanged routes and upstreams are shared with the previous one.
// Built on the control thread, const afterwards: any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "routing/policy/listener.h"
#include "routing/policy/route.h"
#include "routing/policy/upstream.h"
#include "routing/route_table.h"
#include "routing/rules.h"

namespace headgate::routing {

struct AccessLogPolicy {
  enum class To : uint8_t { kStdout, kStderr, kFile, kOff };
  To to = To::kStdout;
  std::string file;
  double sample_percent = 100;
  bool query = false;
};

// What a Compiled was made from: the compile step's own (routing/compile/sources.h).
struct CompileSources;

struct Compiled {
  std::vector<std::shared_ptr<const ListenerPolicy>> listeners;
  std::vector<std::shared_ptr<const UpstreamPolicy>> upstreams;
  std::vector<std::shared_ptr<const RoutePolicy>> routes;
  std::vector<std::shared_ptr<const RouteRules>> rules;  // as routes: what each asks of a request
  RouteTable table;
  std::vector<base::Cidr> trusted_proxies;
  bool via = false;
  uint64_t max_connections = 0;        // of the process; 0: none
  std::optional<uint64_t> max_memory;  // bytes; 0: none; nothing: by the cgroup's limit
  std::optional<uint32_t> workers;
  std::optional<base::SocketAddress> admin_address;  // nothing: off
  std::string admin_token_file;
  std::optional<base::SocketAddress> metrics_address;
  AccessLogPolicy access_log;
  base::Duration lame_duck = std::chrono::seconds(5);
  base::Duration drain_timeout = std::chrono::seconds(20);
  // For the next Compile() to see what did not change.
  std::shared_ptr<const CompileSources> sources;
};

}  // namespace headgate::routing
