// Paths of the file as the normaliser of requests writes them.
// Pure; the text lives in the arena or in what was written.
// Control thread.
#pragma once

#include <optional>
#include <string>

#include "base/arena.h"
#include "config/diagnostic.h"
#include "config/located.h"
#include "http/uri.h"

namespace headgate::routing {

// Nothing, and an error, where no request can have the path.
std::optional<http::Target> NormalizePath(const config::Located<std::string>& path, base::Arena& arena,
                                          config::DiagnosticList& diagnostics);
// A path that headgate writes: of a rewrite or a redirect. Empty, and an error, where NormalizePath finds one.
std::string OwnPath(const config::Located<std::string>& path, config::DiagnosticList& diagnostics);

}  // namespace headgate::routing
