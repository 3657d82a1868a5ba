#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "app/commands.h"
#include "app/process.h"

namespace headgate::app {
namespace {

// For tests against name servers of their own; an operator has /etc/resolv.conf.
constexpr char kDnsServers[] = "HEADGATE_DNS_SERVERS";
constexpr char kResolvConf[] = "HEADGATE_RESOLV_CONF";

}  // namespace

void AddRun(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("run", "Carry traffic as a configuration says");
  auto path = std::make_shared<std::string>();
  command
      ->add_option("-c,--config", *path,
                   "The configuration: a file, or a directory with headgate.yaml in it (a pipe is read once)")
      ->required()
      ->type_name("PATH");
  command->footer(
      "Signals: TERM, INT and QUIT drain and end (a second one ends at once), HUP reloads, USR1 opens log files "
      "again.\n"
      "Exit codes: 0 ended as asked, 1 bad configuration, 2 bad command line, 3 an address cannot be listened on.");
  command->callback([&chosen, path] {
    chosen = [path] {
      control::dns::LookupOptions dns;
      if (const char* servers = std::getenv(kDnsServers)) dns.servers = servers;
      if (const char* settings = std::getenv(kResolvConf)) dns.resolv_conf = settings;
      return RunProcess({.config_path = *path, .dns = std::move(dns), .started = {}});
    };
  });
}

}  // namespace headgate::app
