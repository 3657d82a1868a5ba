#include "config/units.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "config/model.h"
#include "config/parse.h"
#include "config/text.h"
#include "config/unit_names.h"

namespace headgate::config {
namespace {

// How often the files are put together anew because one that won a name turned out to be bad itself.
constexpr int kRoundsMax = 16;

bool SameText(const std::shared_ptr<const UnitContent>& content, const SharedText& text) {
  return content != nullptr && content->text == text;
}

// The route without the listeners that are gone; null if none is left.
std::shared_ptr<const Route> OnListeners(const std::shared_ptr<const Route>& route, const Model& model) {
  const auto gone = [&](const Located<std::string>& name) {
    return std::none_of(model.listeners.begin(), model.listeners.end(),
                        [&](const Listener& listener) { return listener.name.value == name.value; });
  };
  if (std::none_of(route->listeners.begin(), route->listeners.end(), gone)) return route;
  auto copy = std::make_shared<Route>(*route);
  std::erase_if(copy->listeners, gone);
  return copy->listeners.empty() ? nullptr : std::move(copy);
}

// As written, or with links resolved: the folder may have been reached through one.
bool LiesInside(const std::string& path, const std::string& directory) {
  if (IsInside(path, directory)) return true;
  std::error_code error;
  const auto real_path = std::filesystem::weakly_canonical(path, error).string();
  if (error) return false;
  const auto real_directory = std::filesystem::weakly_canonical(directory, error).string();
  return !error && IsInside(real_path, real_directory);
}

void CheckPaths(const UnitContent& content, const std::string& directory, const std::vector<Located<FilePath>>& roots,
                DiagnosticList& diagnostics) {
  for (const Located<FilePath>* path : content.paths) {
    const std::string& resolved = path->value.resolved;
    const bool inside =
        LiesInside(resolved, directory) || std::any_of(roots.begin(), roots.end(), [&](const Located<FilePath>& root) {
          return LiesInside(resolved, root.value.resolved);
        });
    if (inside) continue;
    diagnostics.Error(Code::kPathOutside, path->at,
                      Quoted(path->value.written) + " lies outside the configuration's folder and 'fileRoots'");
  }
}

}  // namespace

UnitSet::UnitSet(UnitSetOptions options, UnitCheck check) : options_(std::move(options)), check_(std::move(check)) {
  options_.directory = ResolvePath(options_.directory, "");
}

UnitSet::~UnitSet() = default;

bool Proposal::HasErrors() const {
  return std::any_of(files.begin(), files.end(),
                     [](const FileReport& report) { return report.diagnostics.HasErrors(); });
}

uint32_t UnitSet::FileId(const std::string& name) {
  if (free_ids_.empty()) {
    file_names_.push_back(name);
    return static_cast<uint32_t>(file_names_.size() - 1);
  }
  const uint32_t id = free_ids_.back();
  free_ids_.pop_back();
  file_names_[id] = name;
  return id;
}

// An upstream that outlives its file, for a file that was kept, still says where it was written.
void UnitSet::FreeIds() {
  if (gone_ids_.empty()) return;
  std::vector<bool> used(file_names_.size());
  for (const auto& [name, upstream] : upstreams_) used[upstream->at.file] = true;
  std::erase_if(gone_ids_, [&](uint32_t id) {
    if (!used[id]) free_ids_.push_back(id);
    return !used[id];
  });
}

void UnitSet::Offer(const SourceFile& file) {
  std::unique_ptr<Unit>& slot = units_[file.name];
  if (slot == nullptr) {
    slot = std::make_unique<Unit>();
    slot->name = file.name;
    slot->file = FileId(file.name);
    slot->is_main = file.name == options_.main_name;
  }
  Unit& unit = *slot;
  unit.present = true;
  if (SameText(unit.in_force, file.text)) {
    unit.offered = unit.in_force;
  } else if (!SameText(unit.offered, file.text)) {
    const bool whole = file.problem.empty() && !options_.fragment;
    const FileKind kind = !unit.is_main ? FileKind::kOther : whole ? FileKind::kMain : FileKind::kFragment;
    unit.offered = DecodeUnit(file.text, unit.file, kind, options_.directory, check_);
  }
}

// Its last content stays in force; one that was never read is left out.
void UnitSet::OfferUnread(const SourceFile& file) {
  const auto found = units_.find(file.name);
  const bool keeps = found != units_.end() && found->second->in_force != nullptr;
  Offer({file.name, keeps ? found->second->in_force->text : SharedText(), file.problem});
  Unit& unit = *units_[file.name];
  unit.rejected.Error(Code::kUnreadable, {unit.file, 0, 0, 0}, file.problem);
}

// Without it there is no listener at the start. A main file that vanishes later stays in force.
void UnitSet::OfferMain(bool present) {
  if (present) return;
  const auto found = units_.find(options_.main_name);
  const bool keeps = found != units_.end() && found->second->in_force != nullptr;
  Offer({options_.main_name, keeps ? found->second->in_force->text : SharedText(), "missing"});
  Unit& main = *units_[options_.main_name];
  const Position at{main.file, 0, 0, 0};
  if (keeps) {
    main.rejected.Warning(Code::kMainFileMissing, at, "the main file is missing: its last content stays in force");
  } else {
    main.rejected.Error(Code::kMainFileMissing, at, "the main file is missing: there is no listener",
                        "add " + options_.main_name + " to the directory");
  }
}

std::vector<UnitSet::Unit*> UnitSet::Present() {
  std::vector<Unit*> units;
  for (const auto& [name, unit] : units_) {
    if (unit->present) units.push_back(unit.get());
  }
  std::stable_partition(units.begin(), units.end(), [](const Unit* unit) { return unit->is_main; });
  return units;
}

void UnitSet::WarnOfPassedOver(const std::vector<std::string>& names) {
  Unit& main = *units_[options_.main_name];
  for (const std::string& name : names) {
    const bool folder = name.ends_with('/');
    const std::string stem = name.substr(0, name.rfind('.'));
    main.rejected.Warning(
        Code::kNotRead, {main.file, 0, 0, 0}, Quoted(name) + " is not read: only the directory's own *.yaml files are",
        folder ? "move its files up" : "rename it to " + stem + ".yaml, or take it out of the directory");
  }
}

Proposal UnitSet::Propose(const std::vector<SourceFile>& files, const std::vector<std::string>& passed_over) {
  for (const auto& [name, unit] : units_) {
    unit->present = false;
    unit->rejected = {};
  }
  bool main_present = false;
  for (const SourceFile& file : files) {
    if (file.problem.empty()) {
      Offer(file);
    } else {
      OfferUnread(file);
    }
    main_present = main_present || file.name == options_.main_name;
  }
  OfferMain(main_present);
  WarnOfPassedOver(passed_over);
  return Link();
}

Proposal UnitSet::Reject(const DiagnosticList& problems) {
  for (const auto& [name, unit] : units_) {
    for (const Diagnostic& problem : problems.items()) {
      if (problem.at.file == unit->file) unit->rejected.Add(problem);
    }
  }
  return Link();
}

Proposal UnitSet::Link() {
  const std::vector<Unit*> units = Present();
  for (Unit* unit : units) {
    unit->refused = !unit->offered->IsGood() || unit->rejected.HasErrors();
    unit->faults = {};
  }
  // Who lost a name to a file that is then refused itself gets another chance, without that file.
  for (int round = 0; round < kRoundsMax && Settle(units); ++round) {
  }
  Proposal proposal;
  proposal.model = Merge(units);
  proposed_ = proposal.model;
  for (const Unit* unit : units) {
    FileReport report;
    report.name = unit->name;
    report.changed = unit->offered != unit->in_force;
    report.diagnostics = unit->offered->diagnostics;
    report.diagnostics.Append(unit->rejected);
    report.diagnostics.Append(unit->faults);
    report.diagnostics.Append(unit->conflicts);
    report.diagnostics.Sort();
    if (report.diagnostics.HasErrors()) {
      report.status = unit->chosen != nullptr ? UnitStatus::kKept : UnitStatus::kLeftOut;
    }
    proposal.offered.Set(unit->file, unit->name, unit->offered->text.shared());
    proposal.chosen.Set(unit->file, unit->name,
                        (unit->chosen != nullptr ? unit->chosen : unit->offered)->text.shared());
    proposal.files.push_back(std::move(report));
  }
  return proposal;
}

// Chooses each file's present content or its last good one, until no choice breaks another. True if a file was refused
// for its own fault after another had lost to somebody: then the choice must be made once more.
bool UnitSet::Settle(const std::vector<Unit*>& units) {
  for (Unit* unit : units) {
    unit->chosen = unit->refused ? unit->in_force : unit->offered;
    unit->lost = false;
    unit->conflicts = {};
  }
  bool any_refused = false;
  for (bool changed = true; changed;) {
    changed = false;
    Names names;
    for (const bool established : {true, false}) {
      for (Unit* unit : units) {
        if (unit->chosen != nullptr) names.Claim(*unit, established);
      }
    }
    const Unit& main = *units.front();
    // Without a good main file there is no configuration: its listeners are taken as written for the others' sake.
    const Model& process = (main.chosen != nullptr ? main.chosen : main.offered)->model;
    for (const Listener& listener : process.listeners) names.listeners.push_back(listener.name.value);
    for (Unit* unit : units) {
      // A file that is bad by itself is looked through too: all its problems at once.
      if (unit->faults.HasErrors() || (!unit->ChoseOffered() && unit->offered->IsGood())) continue;
      names.CheckReferences(*unit);
      if (options_.confined) CheckPaths(*unit->offered, options_.directory, process.file_roots, unit->faults);
      any_refused = any_refused || (unit->faults.HasErrors() && !unit->refused);
      unit->refused = unit->refused || unit->faults.HasErrors();
    }
    for (Unit* unit : units) {
      const bool falls_back = unit->ChoseOffered() && unit->chosen != unit->in_force && (unit->refused || unit->lost);
      if (!falls_back) continue;
      unit->chosen = unit->in_force;
      changed = true;
    }
  }
  return any_refused && std::any_of(units.begin(), units.end(), [](const Unit* unit) { return unit->lost; });
}

std::shared_ptr<const Model> UnitSet::Merge(const std::vector<Unit*>& units) {
  proposed_upstreams_.clear();
  const Unit& main = *units.front();
  if (main.chosen == nullptr) return nullptr;
  auto model = std::make_shared<Model>(main.chosen->model);
  model->upstreams.clear();
  model->routes.clear();
  model->files = file_names_;
  const auto add_upstream = [&](const std::shared_ptr<const Upstream>& upstream) {
    if (proposed_upstreams_.emplace(upstream->name.value, upstream).second) model->upstreams.push_back(upstream);
  };
  for (const Unit* unit : units) {
    if (unit->chosen == nullptr) continue;
    for (const auto& upstream : unit->chosen->model.upstreams) add_upstream(upstream);
  }
  // A file that is kept keeps the upstreams that it knew, even if the file that defined them let go of them.
  const auto resolve = [&](const Route& route) {
    bool resolved = true;
    ForEachTarget(route, [&](const Located<std::string>& target) {
      if (proposed_upstreams_.contains(target.value)) return;
      const auto former = upstreams_.find(target.value);
      resolved = resolved && former != upstreams_.end();
      if (former != upstreams_.end()) add_upstream(former->second);
    });
    return resolved;
  };
  for (const Unit* unit : units) {
    if (unit->chosen == nullptr) continue;
    const auto& routes = unit->chosen->model.routes;
    if (unit->IsVerified()) {
      model->routes.insert(model->routes.end(), routes.begin(), routes.end());
      continue;
    }
    for (const auto& route : routes) {
      if (!resolve(*route)) continue;
      if (auto kept = OnListeners(route, *model)) model->routes.push_back(std::move(kept));
    }
  }
  return model;
}

void UnitSet::Commit() {
  HG_CHECK(proposed_ != nullptr);
  for (auto it = units_.begin(); it != units_.end();) {
    Unit& unit = *it->second;
    unit.in_force = unit.chosen;
    if (!unit.present) gone_ids_.push_back(unit.file);
    it = unit.present ? std::next(it) : units_.erase(it);
  }
  upstreams_ = proposed_upstreams_;
  FreeIds();
}

LoadedFile LoadFile(std::string_view name, std::string_view text, std::string_view directory) {
  UnitSet set({.main_name = std::string(name), .directory = std::string(directory), .fragment = true});
  Proposal proposal = set.Propose({{std::string(name), std::string(text)}});
  return {std::move(proposal.model), std::move(proposal.files.front().diagnostics), std::move(proposal.offered)};
}

}  // namespace headgate::config
