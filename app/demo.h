// The demo: a commented configuration in a directory of its own, two versions of a sample service, and three commands
// to try, while headgate runs on it.
// A function.
// The caller's thread becomes the control thread, as for RunProcess.
#pragma once

#include <cstdint>
#include <string>

namespace headgate::app {

struct DemoOptions {
  std::string address = "127.0.0.1";
  uint16_t http_port = 8080;
  uint16_t https_port = 8443;
  uint16_t metrics_port = 9090;
  uint16_t admin_port = 9901;
};

/// An exit code. Removes its directory when it ends.
int RunDemo(const DemoOptions& options);

}  // namespace headgate::app
