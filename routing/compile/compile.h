// From the file as it was written to what it means: config::Model -> Compiled. The layer that knows both.
// Functions.
// Control thread.
#pragma once

#include <memory>

#include "config/diagnostic.h"
#include "routing/compiled.h"

namespace headgate::config {
struct Model;
}  // namespace headgate::config

namespace headgate::routing {

// Of a valid model. Problems that only meaning shows (a pattern that does not compile, a substitution's group that does
// not exist) go to `diagnostics`; null when there was an error. Routes and upstreams that did not change are the same
// objects as in `previous` (may be null), and upstreams keep their order: a route's indexes stay right.
std::shared_ptr<const Compiled> Compile(const config::Model& model, const Compiled* previous,
                                        config::DiagnosticList& diagnostics);

// Where route `index` of `compiled`, that Compile() made, stands in the units.
config::Position PositionOfRoute(const Compiled& compiled, size_t index);

// The same problems of one file by itself (config::UnitCheck): its routes and defaults, whatever upstreams there are.
void CheckUnit(const config::Model& unit, config::DiagnosticList& diagnostics);

}  // namespace headgate::routing
