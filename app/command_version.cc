#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/commands.h"
#include "app/exit_codes.h"

namespace headgate::app {

void AddVersion(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("version", "Print the version");
  command->callback([&chosen] {
    chosen = [] {
      std::printf("headgate %s\n", HEADGATE_VERSION);
      return kExitOk;
    };
  });
}

}  // namespace headgate::app
