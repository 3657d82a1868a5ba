#include "control/reload_text.h"

#include <fmt/chrono.h>

#include <ctime>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "config/render.h"

namespace headgate::control {
namespace {

constexpr size_t kLinesLoggedMax = 50;
constexpr size_t kHashShown = 12;

config::DiagnosticList AllOf(const Loader::Loaded& loaded) {
  config::DiagnosticList all;
  for (const config::UnitReport& report : loaded.proposal.units) all.Append(report.diagnostics);
  return all;
}

// Headlines only: the source line and the caret are for a terminal.
bool IsHeadline(std::string_view line) { return !line.empty() && line.front() != ' '; }

std::string_view Without(std::string_view prefix, std::string_view line) {
  return line.starts_with(prefix) ? line.substr(prefix.size()) : line;
}

void LogProblems(std::string_view problems) {
  size_t logged = 0;
  while (!problems.empty() && logged < kLinesLoggedMax) {
    const size_t end = problems.find('\n');
    const std::string_view line = problems.substr(0, end);
    problems.remove_prefix(end == std::string_view::npos ? problems.size() : end + 1);
    if (!IsHeadline(line)) continue;
    ++logged;
    const bool warning = line.find("warning") != std::string_view::npos && line.find("error") == std::string_view::npos;
    // The log's own line begins with the word.
    if (warning) {
      base::log::Warning("{}", Without("warning: ", line));
    } else {
      base::log::Error("{}", Without("error: ", line));
    }
  }
}

}  // namespace

std::string ProblemsOf(const Loader::Loaded& loaded) {
  return config::RenderText(AllOf(loaded), loaded.proposal.offered);
}

std::string ProblemsAsJson(const Loader::Loaded& loaded) {
  return config::RenderJson(AllOf(loaded), loaded.proposal.offered);
}

void LogReload(const ReloadReport& report, const proxy::Snapshot* current) {
  LogProblems(report.problems);
  const std::string_view hash = std::string_view(report.hash).substr(0, kHashShown);
  const double milliseconds = std::chrono::duration<double, std::milli>(report.took).count();
  switch (report.outcome) {
    case ReloadOutcome::kApplied:
      base::log::Info("configuration {} in force: generation {}, {} listeners, {} routes, {} upstreams, {:.1f} ms",
                      hash, report.generation, current->compiled->listeners.size(), current->compiled->routes.size(),
                      current->compiled->upstreams.size(), milliseconds);
      return;
    case ReloadOutcome::kConfiguration:
      if (report.in_part) {
        base::log::Error("applied in part; configuration {} in force (generation {})", hash, report.generation);
        return;
      }
      [[fallthrough]];
    case ReloadOutcome::kAddress:
    case ReloadOutcome::kRefused:
      base::log::Error("reload failed; configuration {} in force (generation {})", hash, report.generation);
      return;
  }
}

namespace {

std::string TimeText(std::chrono::sys_seconds time, int64_t milliseconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::time_t{time.time_since_epoch().count()}),
                     milliseconds);
}

}  // namespace

std::string TimeText(base::WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return TimeText(seconds, std::chrono::floor<std::chrono::milliseconds>(time - seconds).count());
}

std::string TimeText(std::chrono::sys_seconds time) { return TimeText(time, 0); }

}  // namespace headgate::control
