#include "app/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "app/commands.h"
#include "app/exit_codes.h"
#include "app/resources.h"
#include "app/usage.h"

namespace headgate::app {

void AddCommands(CLI::App& app, Action& chosen) {
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.set_version_flag("--version", "headgate " HEADGATE_VERSION);
  AddRun(app, chosen);
  AddDemo(app, chosen);
  AddValidate(app, chosen);
  AddExplain(app, chosen);
  AddSchema(app, chosen);
  AddAdminCommands(app, chosen);
  AddHealthz(app, chosen);
  AddCompletion(app, chosen);
  AddVersion(app, chosen);
}

int Main(int argc, char** argv) {
  OpenStandardStreams();
  CLI::App app("headgate: an edge proxy that routes, splits, terminates TLS, reloads and counts", "headgate");
  Action chosen;
  AddCommands(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const std::string unknown = error.get_exit_code() == 0 ? std::string() : UnknownWord(app, argc, argv);
    if (unknown.empty()) return app.exit(error) == 0 ? kExitOk : kExitUsage;
    std::fprintf(stderr, "headgate: %s\nRun with --help for more information.\n", unknown.c_str());
    return kExitUsage;
  }
  try {
    const int code = chosen();
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    std::fputs("headgate: cannot write to standard output\n", stderr);
    return code == kExitOk ? kExitConfiguration : code;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "headgate: %s\n", error.what());
    return kExitConfiguration;
  }
}

}  // namespace headgate::app
