#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "app/commands.h"
#include "app/exit_codes.h"
#include "control/explain_request.h"
#include "control/files/file_source.h"
#include "control/loader.h"
#include "control/reload_text.h"

namespace headgate::app {
namespace {

struct ExplainOptions {
  std::string config;
  control::AskedRequest asked;
  std::vector<std::string> headers;
  std::string client = "127.0.0.1";
  bool json = false;
};

int Complain(const absl::Status& status) {
  std::fprintf(stderr, "headgate: %s\n", std::string(status.message()).c_str());
  return kExitConfiguration;
}

int Explain(ExplainOptions& options) {
  auto source = control::FileSource::Open(options.config);
  if (!source.ok()) return Complain(source.status());
  control::Loader loader(*std::move(source));
  auto content = loader.Read(control::Trigger::kStart);
  if (!content.ok()) return Complain(content.status());
  const auto loaded = loader.Load(*std::move(content), nullptr);
  std::fputs(control::ProblemsOf(loaded).c_str(), stderr);
  if (loaded.compiled == nullptr) return kExitConfiguration;
  for (const std::string& header : options.headers) {
    const size_t colon = header.find(':');
    options.asked.headers.emplace_back(header.substr(0, colon),
                                       std::string(absl::StripAsciiWhitespace(header.substr(colon + 1))));
  }
  options.asked.client = base::IpAddress::Parse(options.client).value();
  const auto certificates_of = [&loaded](uint32_t listener) {
    auto read = proxy::net::CertificateSet::Load(loaded.compiled->listeners[listener]->certificates);
    return read.ok() ? *std::move(read) : nullptr;
  };
  const auto explanation = control::ExplainRequest(*loaded.compiled, options.asked, certificates_of);
  if (!explanation.ok()) return Complain(explanation.status());
  const control::RouteOrigins origins = control::OriginsOf(*loaded.compiled, loaded.proposal.chosen);
  const std::string text = options.json ? control::ExplanationAsJson(*explanation, origins)
                                        : control::ExplanationAsText(*explanation, origins);
  std::fputs(text.c_str(), stdout);
  return kExitOk;
}

std::string CheckHeader(const std::string& text) {
  return text.find(':') == std::string::npos || text.starts_with(':') ? "'" + text + "' is not name:value"
                                                                      : std::string();
}

std::string CheckIpAddress(const std::string& text) {
  return base::IpAddress::Parse(text) ? std::string() : "'" + text + "' is not an IP address";
}

}  // namespace

void AddExplain(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("explain", "Say where a request would go, and why no other route takes it");
  auto options = std::make_shared<ExplainOptions>();
  command->add_option("-c,--config", options->config, "The configuration: a file or a directory")
      ->required()
      ->type_name("PATH");
  command->add_option("METHOD", options->asked.method, "GET, POST, ...")->required();
  command->add_option("URL", options->asked.url, "https://host/path?query, or /path")->required();
  command->add_option("-H,--header", options->headers, "A field of the request; may be given several times")
      ->type_name("NAME:VALUE")
      ->allow_extra_args(false)
      ->check(CheckHeader);
  command->add_option("--listener", options->asked.listener, "The listener it comes in by (default: as the URL says)");
  command->add_option("--client", options->client, "The address that the connection comes from")
      ->type_name("IP")
      ->check(CheckIpAddress)
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON");
  command->footer(
      "Example: headgate explain -c headgate.yaml GET https://shop.example.com/api/cart -H 'x-canary: always'\n"
      "Exit codes: 0 explained (404 included), 1 bad configuration or a request that would be refused, 2 bad command "
      "line.");
  command->callback([&chosen, options] { chosen = [options] { return Explain(*options); }; });
}

}  // namespace headgate::app
