// A running headgate: everything wired together, from the configuration's path to the exit code.
// Owned by the command that runs it.
// The caller's thread becomes the control thread: signals and drain.
#pragma once

#include <functional>
#include <string>

#include "control/dns/lookup.h"

namespace headgate::app {

struct ProcessOptions {
  std::string config_path;
  control::dns::LookupOptions dns = {};
  /// Runs once, when the first generation is in force.
  std::function<void()> started;
};

/// Returns when everything has stopped: an exit code (exit_codes.h). Problems go to standard error.
int RunProcess(const ProcessOptions& options);

}  // namespace headgate::app
