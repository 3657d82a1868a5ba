#include "control/loader.h"

#include <utility>

#include "base/crypto/crypto.h"

namespace headgate::control {
namespace {

// Each round leaves out at least one file more, or is the last.
constexpr int kRoundsMax = 8;

}  // namespace

std::string HashOf(const std::vector<config::SourceFile>& files) {
  if (files.size() == 1) return files.front().text.digest();
  std::string all;
  for (const config::SourceFile& file : files) {
    all += file.name;
    all += '\0';
    all += file.text.digest();
  }
  return base::Sha256Hex(all);
}

Loader::Loader(FileSource source, config::UnitCheck more)
    : source_(std::move(source)),
      units_(source_.unit_options(),
             [more = std::move(more)](const config::Model& unit, config::DiagnosticList& diagnostics) {
               routing::CheckUnit(unit, diagnostics);
               if (more) more(unit, diagnostics);
             }) {}

Loader::Loaded Loader::Load(FileSource::Content content, const routing::Compiled* previous) {
  content_ = std::move(content);
  return Compile(units_.Propose(content_.files, content_.passed_over), previous);
}

Loader::Loaded Loader::Reject(const config::DiagnosticList& problems, const routing::Compiled* previous) {
  return Compile(units_.Reject(problems), previous);
}

Loader::Loaded Loader::Compile(config::Proposal proposal, const routing::Compiled* previous) {
  Loaded loaded;
  for (int round = 0; proposal.model != nullptr && round < kRoundsMax; ++round) {
    config::DiagnosticList problems;
    loaded.compiled = routing::Compile(*proposal.model, previous, problems);
    if (loaded.compiled != nullptr) break;
    proposal = units_.Reject(problems);
  }
  loaded.proposal = std::move(proposal);
  FillTexts(loaded);
  return loaded;
}

void Loader::FillTexts(Loaded& loaded) const {
  std::map<std::string_view, const config::SharedText*> read;
  for (const config::SourceFile& file : content_.files) read[file.name] = &file.text;
  for (const config::FileReport& report : loaded.proposal.files) {
    const auto offered = read.find(report.name);
    const auto old = in_force_.find(report.name);
    switch (report.status) {
      case config::UnitStatus::kAccepted:
        if (offered != read.end()) {
          loaded.in_effect.push_back({report.name, *offered->second});
        } else if (old != in_force_.end()) {
          loaded.in_effect.push_back({report.name, old->second});
        }
        break;
      case config::UnitStatus::kKept:
        if (old != in_force_.end()) loaded.in_effect.push_back({report.name, old->second});
        break;
      case config::UnitStatus::kLeftOut:
        break;
    }
  }
  loaded.hash = HashOf(loaded.in_effect);
}

void Loader::Commit(const Loaded& loaded) {
  units_.Commit();
  in_force_.clear();
  for (const config::SourceFile& file : loaded.in_effect) in_force_[file.name] = file.text;
}

}  // namespace headgate::control
