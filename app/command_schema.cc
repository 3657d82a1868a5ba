#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/commands.h"
#include "app/exit_codes.h"
#include "config/fields/schema.h"

namespace headgate::app {

void AddSchema(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("schema", "Print the configuration's JSON Schema, for editors");
  command->callback([&chosen] {
    chosen = [] {
      std::fputs(config::SchemaJson().c_str(), stdout);
      return kExitOk;
    };
  });
}

}  // namespace headgate::app
