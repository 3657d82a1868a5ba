// One function per command, each in a file of its own (command_*.cc): adds its subcommand and says what it does.
// Functions; options live as long as the action that uses them.
// One thread.
#pragma once

#include "app/cli.h"

namespace headgate::app {

void AddRun(CLI::App& app, Action& chosen);
void AddValidate(CLI::App& app, Action& chosen);
void AddExplain(CLI::App& app, Action& chosen);
void AddDemo(CLI::App& app, Action& chosen);
void AddSchema(CLI::App& app, Action& chosen);
void AddAdminCommands(CLI::App& app, Action& chosen);  // routes, upstreams, reload
void AddHealthz(CLI::App& app, Action& chosen);
void AddVersion(CLI::App& app, Action& chosen);
void AddCompletion(CLI::App& app, Action& chosen);

}  // namespace headgate::app
