// What the table of fields cannot say: rules over several values of one file. References into other files are judged
// where the files meet (units.h).
// Owned by nobody: functions.
// Control thread.
#pragma once

#include <string>

#include "config/address_book.h"
#include "config/diagnostic.h"
#include "config/model.h"

namespace headgate::config {

/// Every rule that one file can break by itself.
void ValidateUnit(const Model& unit, DiagnosticList& diagnostics);

/// The admin and metrics addresses, as written or by default.
void TakePages(const Model& process, AddressBook& book, DiagnosticList& diagnostics);

// The parts of it.
void ValidateProcess(const Model& unit, DiagnosticList& diagnostics);
void ValidateUpstream(const Upstream& upstream, DiagnosticList& diagnostics);
void ValidateRoute(const Route& route, DiagnosticList& diagnostics);
/// `owner` is "route 'x'" or "defaults".
void ValidatePolicy(const RoutePolicy& policy, const std::string& owner, DiagnosticList& diagnostics);

}  // namespace headgate::config
