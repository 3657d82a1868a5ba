#include "app/ask.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "control/files/token.h"

namespace headgate::app {
namespace {

// localhost is 127.0.0.1, as in the configuration.
std::optional<base::SocketAddress> ParseAddress(const std::string& text) {
  constexpr std::string_view kLocalhost = "localhost:";
  return base::SocketAddress::Parse(text.starts_with(kLocalhost) ? "127.0.0.1:" + text.substr(kLocalhost.size())
                                                                 : text);
}

}  // namespace

void AddAskOptions(CLI::App& command, AskOptions& options, const char* name, const char* address, bool token) {
  options.address = address;
  command.add_option(std::string("--") + name, options.address, std::string("Where the ") + name + " listener is")
      ->type_name("ADDRESS:PORT")
      ->check([address](const std::string& text) {
        return ParseAddress(text) ? std::string() : "'" + text + "' is not ADDRESS:PORT, such as " + address;
      })
      ->capture_default_str();
  command.add_option("--timeout", options.timeout_seconds, "Seconds to wait for the answer")
      ->check(CLI::Range(1, 600))
      ->capture_default_str();
  if (token) command.add_option("--token-file", options.token_file, "The file that holds the listener's token");
}

std::optional<control::pages::Response> AskRunning(const AskOptions& options, const std::string& method,
                                                   const std::string& target) {
  control::pages::Call call;
  call.address = ParseAddress(options.address).value();
  call.method = method;
  call.target = target;
  call.timeout = std::chrono::seconds(options.timeout_seconds);
  if (!options.token_file.empty()) {
    auto token = control::ReadToken(options.token_file);
    if (!token.ok()) {
      std::fprintf(stderr, "headgate: %s\n", std::string(token.status().message()).c_str());
      return std::nullopt;
    }
    call.token = *std::move(token);
  }
  auto answer = control::pages::Ask(call);
  if (answer.ok()) return *std::move(answer);
  std::fprintf(stderr, "headgate: %s\n", std::string(answer.status().message()).c_str());
  return std::nullopt;
}

}  // namespace headgate::app
