// The command line: every command, its options and its help.
// Owned by main for as long as it runs.
// One thread.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace headgate::app {

/// What the command that was chosen does; returns an exit code.
using Action = std::function<int()>;

/// Adds all commands to `app`; parsing sets `chosen`. Both outlive the parsing and the action.
void AddCommands(CLI::App& app, Action& chosen);

/// Parses and runs: the exit code of the process.
int Main(int argc, char** argv);

}  // namespace headgate::app
