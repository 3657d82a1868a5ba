// The admin listener's pages as JSON.
// Functions.
// Any thread.
#pragma once

#include <string>

#include "base/clock.h"
#include "control/admin/gauges.h"
#include "control/state.h"

namespace headgate::control {

/// The units in force, their hash, since when, and the last reload.
std::string ConfigJson(const InForce& in_force, const ReloadReport* last_reload);
std::string RoutesJson(const InForce& in_force);
/// Each upstream's endpoints and their state, and how it goes with its name. `names` may be null.
std::string UpstreamsJson(const InForce& in_force, const EndpointsOf& published, const NamesOf& names,
                          base::Instant now);
std::string CertificatesJson(const proxy::Snapshot& snapshot);
std::string ReloadJson(const ReloadReport& report);
/// {"error": "..."}.
std::string ErrorJson(std::string_view message);

}  // namespace headgate::control
