// Who gets a request: an immutable table from listener, host, path, method, headers and query to a route.
// Owned by the compiled configuration; shared by all workers.
// Built on the control thread, const afterwards: any thread. Find allocates nothing beyond the request's arena.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "http/message.h"
#include "routing/policy/route.h"

namespace headgate::routing {

struct Match {
  const RoutePolicy* route = nullptr;  // null: 404
  uint32_t route_index = 0;            // into Compiled::routes
  // Bytes of match_path that the route's prefix covered (for prefix rewrites and redirects): all of an exact path, 0
  // for a pattern.
  uint32_t prefix_bytes = 0;
};

class RouteTable {
 public:
  RouteTable() noexcept;
  ~RouteTable();
  RouteTable(RouteTable&&) noexcept;
  RouteTable& operator=(RouteTable&&) noexcept;

  // The route for a request on the listener with that index (Compiled::listeners). Precedence: docs/configuration.md,
  // "Which route wins".
  Match Find(uint32_t listener, const http::RequestHead& head) const noexcept;
  // Other listeners have routes for this host by name, that one has none.
  bool BelongsElsewhere(uint32_t listener, std::string_view host) const noexcept;

 private:
  friend class RouteTableBuilder;
  friend class Explainer;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::routing
