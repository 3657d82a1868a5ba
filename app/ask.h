// What the commands that talk to a running headgate share: where it is, the token, how a failure is told.
// Held by the command's action.
// One thread.
#pragma once

#include <optional>
#include <string>

#include "control/pages/client.h"

namespace CLI {
class App;
}

namespace headgate::app {

struct AskOptions {
  std::string address;
  std::string token_file;
  int timeout_seconds = 5;
};

/// Adds --<name> (default `address`), and --timeout; with a token --token-file.
void AddAskOptions(CLI::App& command, AskOptions& options, const char* name, const char* address, bool token);

/// Nothing when nobody answered; standard error then says so.
std::optional<control::pages::Response> AskRunning(const AskOptions& options, const std::string& method,
                                                   const std::string& target);

}  // namespace headgate::app
