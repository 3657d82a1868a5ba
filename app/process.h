// A running headgate: everything wired together, from the configuration's path to the exit code.
// Owned by the command that runs it.
// The caller's thread becomes the control thread: signals and drain.
#pragma once

#include <functional>
#include <string>

namespace headgate::app {

struct ProcessOptions {
  std::string config_path;
  /// "127.0.0.1:5353,[::1]:53"; empty: /etc/resolv.conf.
  std::string dns_servers;
  /// Runs once, when the first generation is in force.
  std::function<void()> started;
};

/// Returns when everything has stopped: an exit code (exit_codes.h). Problems go to standard error.
int RunProcess(const ProcessOptions& options);

}  // namespace headgate::app
