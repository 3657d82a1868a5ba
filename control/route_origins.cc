#include "control/route_origins.h"

#include "routing/compile/compile.h"

namespace headgate::control {

RouteOrigins OriginsOf(const routing::Compiled& compiled, const config::Sources& places) {
  RouteOrigins origins;
  for (size_t i = 0; i < compiled.routes.size(); ++i) {
    const config::Position at = routing::PositionOfRoute(compiled, i);
    if (places.OriginOf(at.file) != nullptr) origins[compiled.routes[i]->name] = config::Place(at, places);
  }
  return origins;
}

std::string_view OriginOf(const RouteOrigins& origins, const std::string& route) {
  const auto found = origins.find(route);
  return found != origins.end() ? std::string_view(found->second) : std::string_view();
}

}  // namespace headgate::control
