#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "app/access_log.h"
#include "app/commands.h"
#include "app/exit_codes.h"
#include "config/render.h"
#include "config/text.h"
#include "control/certificate_check.h"
#include "control/files/file_source.h"
#include "control/loader.h"
#include "control/reload_text.h"

namespace headgate::app {
namespace {

struct ValidateOptions {
  std::vector<std::string> paths;
  std::string format = "text";
  bool no_files = false;
};

struct Result {
  std::string text;  // or a JSON array
  bool good = false;
};

Result Unreadable(const absl::Status& status, bool json) {
  const std::string message(status.message());
  return {json ? config::RenderJson({}, {}, {message}) : "error: " + message + "\n", false};
}

// The files that one unit names. A wildcard needs the routes of all of them.
void CheckFiles(const config::Model& unit, config::DiagnosticList& diagnostics) {
  config::DiagnosticList found;
  control::CheckCertificates(unit, found);
  CheckAccessLog(unit, found);
  for (const config::Diagnostic& problem : found.items()) {
    if (problem.code != config::Code::kCertificateWildcard) diagnostics.Add(problem);
  }
}

config::DiagnosticList WildcardProblems(const config::Model& model) {
  config::DiagnosticList found;
  config::DiagnosticList wildcards;
  control::CheckCertificates(model, found);
  for (const config::Diagnostic& problem : found.items()) {
    if (problem.code == config::Code::kCertificateWildcard) wildcards.Add(problem);
  }
  return wildcards;
}

Result Validate(const std::string& path, bool files, bool json) {
  auto source = control::FileSource::Open(path);
  if (!source.ok()) return Unreadable(source.status(), json);
  control::Loader loader(*std::move(source), files ? CheckFiles : config::UnitCheck());
  auto content = loader.Read(control::Trigger::kStart);
  if (!content.ok()) return Unreadable(content.status(), json);
  auto loaded = loader.Load(*std::move(content), nullptr);
  if (files && loaded.proposal.model != nullptr) {
    const config::DiagnosticList problems = WildcardProblems(*loaded.proposal.model);
    if (!problems.items().empty()) loaded = loader.Reject(problems, nullptr);
  }
  return {json ? control::ProblemsAsJson(loaded) : control::ProblemsOf(loaded), !loaded.HasErrors()};
}

int ValidateAll(const ValidateOptions& options) {
  const bool json = options.format == "json";
  bool good = true;
  std::string documents;
  for (const std::string& path : options.paths) {
    const Result result = Validate(path, !options.no_files, json);
    good = good && result.good;
    if (json) {
      documents += (documents.empty() ? "" : ",\n ") + std::string(R"({"path":)");
      config::AppendJsonString(documents, path);
      documents +=
          std::string(R"(,"valid":)") + (result.good ? "true" : "false") + R"(,"problems":)" + result.text + "}";
      continue;
    }
    std::fputs(result.text.c_str(), stderr);
    if (result.good) std::printf("%s: valid\n", path.c_str());
  }
  if (json) std::printf("[%s]\n", documents.c_str());
  return good ? kExitOk : kExitConfiguration;
}

}  // namespace

void AddValidate(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("validate", "Say everything that is wrong with configurations");
  auto options = std::make_shared<ValidateOptions>();
  command->add_option("PATH", options->paths, "Files, or directories with headgate.yaml in them; - is standard input")
      ->required();
  command->add_flag(
      "--no-files", options->no_files,
      "Leave out what the configuration names: certificates, keys, tokens, log files (for a check away from "
      "the machine that has them)");
  command->add_option("--format", options->format, "How to print")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->footer("Exit codes: 0 valid (there may be warnings), 1 not valid, 2 bad command line.");
  command->callback([&chosen, options] { chosen = [options] { return ValidateAll(*options); }; });
}

}  // namespace headgate::app
