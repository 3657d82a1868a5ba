#include <CLI/CLI.hpp>
#include <memory>

#include "app/commands.h"
#include "app/demo.h"
#include "base/ip.h"

namespace headgate::app {
namespace {

std::string CheckIpv4Address(const std::string& text) {
  const auto ip = base::IpAddress::Parse(text);
  return ip && ip->is_v4() ? std::string() : "'" + text + "' is not an IPv4 address";
}

}  // namespace

void AddDemo(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("demo", "Show a canary release, with nothing else installed");
  auto options = std::make_shared<DemoOptions>();
  const auto port = [&](const char* name, uint16_t& value, const char* help) {
    command->add_option(name, value, help)->type_name("PORT")->check(CLI::Range(1, 65535))->capture_default_str();
  };
  command->add_option("--address", options->address, "Where it listens")
      ->check(CheckIpv4Address)
      ->capture_default_str();
  port("--http", options->http_port, "Port of the plain listener");
  port("--https", options->https_port, "Port of the TLS listener");
  port("--metrics", options->metrics_port, "Port of /metrics, /livez and /readyz");
  port("--admin", options->admin_port, "Port of the admin listener (always on 127.0.0.1)");
  command->footer("Writes its configuration to a temporary directory, which is removed when it ends.");
  command->callback([&chosen, options] { chosen = [options] { return RunDemo(*options); }; });
}

}  // namespace headgate::app
