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
#include "control/loader.h"
#include "control/reload_text.h"

namespace headgate::app {
namespace {

struct Result {
  std::string text;  // or a JSON array
  bool good = false;
};

Result Unreadable(const absl::Status& status, bool json) {
  const std::string message(status.message());
  return {json ? config::RenderJson({}, {}, {message}) : "error: " + message + "\n", false};
}

Result Validate(const std::string& path, bool json) {
  auto source = control::FileSource::Open(path);
  if (!source.ok()) return Unreadable(source.status(), json);
  control::Loader loader(*std::move(source));
  auto content = loader.Read(control::kPipeWait);
  if (!content.ok()) return Unreadable(content.status(), json);
  auto loaded = loader.Load(*std::move(content), nullptr);
  if (loaded.proposal.model != nullptr) {
    config::DiagnosticList problems;
    control::CheckCertificates(*loaded.proposal.model, problems);
    CheckAccessLog(*loaded.proposal.model, problems);
    if (!problems.items().empty()) loaded = loader.Reject(problems, nullptr);
  }
  return {json ? control::ProblemsAsJson(loaded) : control::ProblemsOf(loaded), !loaded.HasErrors()};
}

int ValidateAll(const std::vector<std::string>& paths, bool json) {
  bool good = true;
  std::string documents;
  for (const std::string& path : paths) {
    const Result result = Validate(path, json);
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
  auto paths = std::make_shared<std::vector<std::string>>();
  auto format = std::make_shared<std::string>("text");
  command->add_option("PATH", *paths, "Files, or directories with headgate.yaml in them")->required();
  command->add_option("--format", *format, "How to print")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->footer("Exit codes: 0 valid (there may be warnings), 1 not valid, 2 bad command line.");
  command->callback(
      [&chosen, paths, format] { chosen = [paths, format] { return ValidateAll(*paths, *format == "json"); }; });
}

}  // namespace headgate::app
