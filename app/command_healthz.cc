#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "app/ask.h"
#include "app/commands.h"
#include "app/exit_codes.h"

namespace headgate::app {
namespace {

struct HealthzOptions {
  AskOptions ask;
  bool live = false;
};

int Check(const HealthzOptions& options) {
  const auto answer = AskRunning(options.ask, "GET", options.live ? "/livez" : "/readyz");
  if (!answer) return kExitConfiguration;
  std::fputs(answer->body.c_str(), stdout);
  return answer->status == 200 ? kExitOk : kExitConfiguration;
}

}  // namespace

void AddHealthz(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("healthz", "Ask a running headgate whether it is ready (for probes)");
  auto options = std::make_shared<HealthzOptions>();
  AddAskOptions(*command, options->ask, "metrics", "127.0.0.1:9090", false);
  command->add_flag("--live", options->live, "Ask whether it is alive instead");
  command->footer("Exit codes: 0 yes, 1 no or nobody answered, 2 bad command line.");
  command->callback([&chosen, options] { chosen = [options] { return Check(*options); }; });
}

}  // namespace headgate::app
