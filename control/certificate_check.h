// Whether the files that a configuration names (certificates, keys, authorities, tokens) can be used, with the place of
// each that cannot. For `validate`, and for telling which file to leave out when a snapshot cannot be built. Functions.
// Any thread.
#pragma once

#include <string>
#include <vector>

namespace headgate::config {
struct Model;
class DiagnosticList;
}  // namespace headgate::config

namespace headgate::control {

/// Reads every one of them. Errors HG060, HG061; an expired certificate is the warning HG062, a wildcard
/// that covers less than a route's HG063, a certificate that no client ever gets HG064.
void CheckCertificates(const config::Model& model, config::DiagnosticList& diagnostics);

/// Of these only the admin listener's token: it must be there and not be empty.
void CheckToken(const config::Model& model, config::DiagnosticList& diagnostics);

/// Paths of all files that the model names, for the watcher.
std::vector<std::string> NamedFiles(const config::Model& model);

}  // namespace headgate::control
