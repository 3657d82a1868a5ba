#include "control/loader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/crypto/crypto.h"

namespace headgate::control {
namespace {

// Each round leaves out at least one file more, or is the last.
constexpr int kRoundsMax = 8;

SourceList ListOf(std::unique_ptr<Source> source) {
  SourceList list;
  list.push_back(std::move(source));
  return list;
}

}  // namespace

std::string HashOf(const std::vector<config::Unit>& units) {
  if (units.size() == 1) return units.front().text.digest();
  std::string all;
  for (const config::Unit& unit : units) {
    all += unit.id;
    all += '\0';
    all += unit.text.digest();
    if (unit.order != 0) absl::StrAppend(&all, ".", unit.order);
  }
  return base::Sha256Hex(all);
}

Loader::Loader(SourceList sources, config::UnitCheck more)
    : units_(sources.front()->unit_options(),
             [more = std::move(more)](const config::Model& unit, config::DiagnosticList& diagnostics) {
               routing::CheckUnit(unit, diagnostics);
               if (more) more(unit, diagnostics);
             }) {
  for (std::unique_ptr<Source>& source : sources) sources_.push_back({std::move(source), {}});
}

Loader::Loader(std::unique_ptr<Source> source, config::UnitCheck more)
    : Loader(ListOf(std::move(source)), std::move(more)) {}

absl::StatusOr<Loader::Content> Loader::Read(Trigger why) {
  Content content;
  for (Asked& asked : sources_) {
    absl::StatusOr<Source::Answer> answer = asked.source->Ask(why);
    if (answer.ok()) {
      if (answer->offer) asked.last = *std::move(answer->offer);
      if (!asked.last) asked.last.emplace();
      content.again = std::min(content.again, answer->again);
    } else if (!asked.last) {
      return answer.status();
    } else {
      absl::StrAppend(&content.problem, "error: ", answer.status().message(), "\n");
    }
    content.units.insert(content.units.end(), asked.last->units.begin(), asked.last->units.end());
    content.passed_over.insert(content.passed_over.end(), asked.last->passed_over.begin(),
                               asked.last->passed_over.end());
  }
  return content;
}

Loader::Loaded Loader::Load(Content content, const routing::Compiled* previous) {
  content_ = std::move(content);
  return Compile(units_.Propose(content_.units, content_.passed_over), previous);
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
  std::map<std::string_view, const config::Unit*> read;
  for (const config::Unit& unit : content_.units) read[unit.id] = &unit;
  for (const config::UnitReport& report : loaded.proposal.units) {
    const auto offered = read.find(report.id);
    const auto old = in_force_.find(report.id);
    switch (report.status) {
      case config::UnitStatus::kAccepted:
        if (offered != read.end()) {
          loaded.in_effect.push_back(*offered->second);
        } else if (old != in_force_.end()) {
          loaded.in_effect.push_back(old->second);
        }
        break;
      case config::UnitStatus::kKept:
        if (old != in_force_.end()) loaded.in_effect.push_back(old->second);
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
  for (const config::Unit& unit : loaded.in_effect) in_force_[unit.id] = unit;
}

}  // namespace headgate::control
