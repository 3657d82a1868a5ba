// Where routes stand in the documents that their units were translated from.
// Functions.
// Any thread.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "config/render.h"
#include "routing/compiled.h"

namespace headgate::control {

/// "Ingress shop/web: spec.rules[0]", by the route's name. Routes of files are not in it.
using RouteOrigins = std::unordered_map<std::string, std::string>;

/// `places`: what positions of the model point into that `compiled` was made from.
RouteOrigins OriginsOf(const routing::Compiled& compiled, const config::Sources& places);

/// Empty: it is in a file.
std::string_view OriginOf(const RouteOrigins& origins, const std::string& route);

}  // namespace headgate::control
