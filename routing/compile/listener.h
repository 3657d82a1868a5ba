// Compiles listeners with their limits, and upstreams.
// Pure; the results are values.
// Control thread.
#pragma once

#include <vector>

#include "config/diagnostic.h"
#include "config/model.h"
#include "routing/policy/listener.h"
#include "routing/policy/upstream.h"

namespace headgate::routing {

std::vector<ListenerPolicy> CompileListeners(const config::Model& model, config::DiagnosticList& diagnostics);
UpstreamPolicy CompileUpstream(const config::Upstream& upstream);
// A name (localhost) counts as the loopback address.
base::SocketAddress CompileAddress(const config::HostPort& address);

}  // namespace headgate::routing
