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

// How often the units are put together anew because one that won a name turned out to be bad itself.
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

// Without a good main file there is no configuration: its listeners are taken as written for the others' sake.
const Model& ProcessOf(const UnitSet::Slot& main) {
  return (main.chosen != nullptr ? main.chosen : main.offered)->model;
}

// An object's: what it offers, else what it has in force, else none.
void ChooseContent(UnitSet::Slot& slot, UnitSet::Names& names) {
  slot.lost = false;
  slot.conflicts = {};
  slot.chosen = slot.offered;
  if (!slot.refused && names.TakeObject(slot)) return;
  slot.chosen = slot.offered == slot.in_force && !slot.refused ? nullptr : slot.in_force;
  // What is said points into the offered text.
  const DiagnosticList conflicts = slot.conflicts;
  if (slot.chosen != nullptr && !names.TakeObject(slot)) slot.chosen = nullptr;
  slot.conflicts = conflicts;
}

}  // namespace

UnitSet::UnitSet(UnitSetOptions options, UnitCheck check) : options_(std::move(options)), check_(std::move(check)) {
  options_.directory = ResolvePath(options_.directory, "");
}

UnitSet::~UnitSet() = default;

bool Proposal::HasErrors() const {
  return std::any_of(units.begin(), units.end(),
                     [](const UnitReport& report) { return report.diagnostics.HasErrors(); });
}

uint32_t UnitSet::NumberFor(const std::string& id) {
  if (free_numbers_.empty()) {
    ids_.push_back(id);
    return static_cast<uint32_t>(ids_.size() - 1);
  }
  const uint32_t number = free_numbers_.back();
  free_numbers_.pop_back();
  ids_[number] = id;
  return number;
}

// An upstream that outlives its unit, for a unit that was kept, still says where it was written.
void UnitSet::FreeNumbers() {
  if (gone_numbers_.empty()) return;
  std::vector<bool> used(ids_.size());
  for (const auto& [name, upstream] : upstreams_) used[upstream->at.file] = true;
  std::erase_if(gone_numbers_, [&](uint32_t number) {
    if (!used[number]) free_numbers_.push_back(number);
    return !used[number];
  });
}

UnitSet::Slot& UnitSet::Offer(const Unit& unit) {
  std::unique_ptr<Slot>& place = slots_[unit.id];
  if (place == nullptr) {
    place = std::make_unique<Slot>();
    place->id = unit.id;
    place->number = NumberFor(unit.id);
    place->kind = unit.kind;
  }
  Slot& slot = *place;
  slot.order = unit.order;
  slot.present = true;
  if (SameText(slot.in_force, unit.text)) {
    slot.offered = slot.in_force;
  } else if (!SameText(slot.offered, unit.text)) {
    slot.offered = DecodeUnit(unit, slot.number, options_.directory, check_);
  }
  return slot;
}

// Its last content stays in force; one that was never read is left out.
void UnitSet::OfferUnread(Unit unit) {
  const auto found = slots_.find(unit.id);
  const bool keeps = found != slots_.end() && found->second->in_force != nullptr;
  unit.text = keeps ? found->second->in_force->text : SharedText();
  Slot& slot = Offer(unit);
  slot.rejected.Error(Code::kUnreadable, {slot.number, 0, 0, 0}, unit.problem);
}

// Offered now or before; null: never.
UnitSet::Slot* UnitSet::Main() const {
  for (const auto& [id, slot] : slots_) {
    if (slot->IsMain()) return slot.get();
  }
  return nullptr;
}

// Without it there is no listener at the start. A main file that vanishes later stays in force.
void UnitSet::OfferMissingMain() {
  const Slot* before = Main();
  if (before != nullptr && before->present) return;
  const bool keeps = before != nullptr && before->in_force != nullptr;
  Unit missing{.id = before != nullptr ? before->id : options_.main_name, .text = {}, .kind = UnitKind::kMain};
  missing.problem = "missing";
  if (keeps) missing.text = before->in_force->text;
  Slot& main = Offer(missing);
  const Position at{main.number, 0, 0, 0};
  if (keeps) {
    main.rejected.Warning(Code::kMainFileMissing, at, "the main file is missing: its last content stays in force");
  } else {
    main.rejected.Error(Code::kMainFileMissing, at, "the main file is missing: there is no listener",
                        "add " + main.id + " to the directory");
  }
}

std::vector<UnitSet::Slot*> UnitSet::Present() const {
  std::vector<Slot*> slots;
  for (const auto& [id, slot] : slots_) {
    if (slot->present) slots.push_back(slot.get());
  }
  std::stable_partition(slots.begin(), slots.end(), [](const Slot* slot) { return slot->IsMain(); });
  const auto objects =
      std::stable_partition(slots.begin(), slots.end(), [](const Slot* slot) { return !slot->IsObject(); });
  std::stable_sort(objects, slots.end(), [](const Slot* a, const Slot* b) { return a->order < b->order; });
  return slots;
}

void UnitSet::WarnOfPassedOver(const std::vector<std::string>& names) {
  if (names.empty()) return;
  Slot& main = *Main();
  for (const std::string& name : names) {
    const bool folder = name.ends_with('/');
    const std::string stem = name.substr(0, name.rfind('.'));
    main.rejected.Warning(
        Code::kNotRead, {main.number, 0, 0, 0},
        Quoted(name) + " is not read: only the directory's own *.yaml files are",
        folder ? "move its files up" : "rename it to " + stem + ".yaml, or take it out of the directory");
  }
}

Proposal UnitSet::Propose(const std::vector<Unit>& units, const std::vector<std::string>& passed_over) {
  for (const auto& [id, slot] : slots_) {
    slot->present = false;
    slot->rejected = {};
  }
  for (const Unit& unit : units) {
    if (unit.problem.empty()) {
      Offer(unit);
    } else {
      OfferUnread(unit);
    }
  }
  OfferMissingMain();
  WarnOfPassedOver(passed_over);
  return Link();
}

Proposal UnitSet::Reject(const DiagnosticList& problems) {
  for (const auto& [id, slot] : slots_) {
    for (const Diagnostic& problem : problems.items()) {
      if (problem.at.file == slot->number) slot->rejected.Add(problem);
    }
  }
  return Link();
}

Proposal UnitSet::Link() {
  const std::vector<Slot*> slots = Present();
  for (Slot* slot : slots) {
    slot->refused = !slot->offered->IsGood() || slot->rejected.HasErrors();
    slot->faults = {};
  }
  // If the unit that won a name turns out bad, the loser is judged again without it.
  for (int round = 0; round < kRoundsMax && Settle(slots); ++round) {
  }
  Proposal proposal;
  proposal.model = Merge(slots);
  proposed_ = proposal.model;
  for (const Slot* slot : slots) {
    UnitReport report;
    report.id = slot->id;
    report.changed = slot->offered != slot->in_force;
    report.diagnostics = slot->offered->diagnostics;
    report.diagnostics.Append(slot->rejected);
    report.diagnostics.Append(slot->faults);
    report.diagnostics.Append(slot->conflicts);
    report.diagnostics.Sort();
    if (report.diagnostics.HasErrors()) {
      report.status = slot->chosen != nullptr ? UnitStatus::kKept : UnitStatus::kLeftOut;
    }
    const UnitContent& offered = *slot->offered;
    const UnitContent& chosen = slot->chosen != nullptr ? *slot->chosen : offered;
    proposal.offered.Set(slot->number, slot->id, offered.text.shared(), offered.origin);
    proposal.chosen.Set(slot->number, slot->id, chosen.text.shared(), chosen.origin);
    proposal.units.push_back(std::move(report));
  }
  return proposal;
}

// Chooses each unit's present content, or its last good one, or (of an object that loses a name it had) none, until no
// choice breaks another. True if a unit was refused for its own fault after another had lost to somebody: then the
// choice must be made once more.
bool UnitSet::Settle(const std::vector<Slot*>& slots) {
  for (Slot* slot : slots) {
    slot->chosen = slot->refused ? slot->in_force : slot->offered;
    slot->lost = false;
    slot->conflicts = {};
  }
  bool any_refused = false;
  for (bool changed = true; changed;) {
    Names names;
    Claim(slots, names);
    const bool refused = FindFaults(slots, names);
    any_refused = any_refused || refused;
    // Objects choose anew in each round.
    changed = refused && slots.back()->IsObject();
    for (Slot* slot : slots) {
      const bool falls_back =
          !slot->IsObject() && slot->ChoseOffered() && slot->chosen != slot->in_force && (slot->refused || slot->lost);
      if (!falls_back) continue;
      slot->chosen = slot->in_force;
      changed = true;
    }
  }
  return any_refused && std::any_of(slots.begin(), slots.end(), [](const Slot* slot) { return slot->lost; });
}

void UnitSet::Claim(const std::vector<Slot*>& slots, Names& names) {
  names.TakeProcess(*slots.front(), ProcessOf(*slots.front()));
  for (const bool established : {true, false}) {
    for (Slot* slot : slots) {
      if (!slot->IsObject() && slot->chosen != nullptr) names.ClaimFile(*slot, established);
    }
  }
  for (Slot* slot : slots) {
    if (slot->IsObject()) ChooseContent(*slot, names);
  }
}

// True if a unit is refused that was not before.
bool UnitSet::FindFaults(const std::vector<Slot*>& slots, const Names& names) {
  bool any_refused = false;
  const Model& process = ProcessOf(*slots.front());
  for (Slot* slot : slots) {
    // A unit that is bad by itself is looked through too: all its problems at once.
    if (slot->faults.HasErrors() || (!slot->ChoseOffered() && slot->offered->IsGood())) continue;
    names.CheckReferences(*slot);
    if (options_.confined && !slot->IsObject()) {
      CheckPaths(*slot->offered, options_.directory, process.file_roots, slot->faults);
    }
    any_refused = any_refused || (slot->faults.HasErrors() && !slot->refused);
    slot->refused = slot->refused || slot->faults.HasErrors();
  }
  return any_refused;
}

std::shared_ptr<const Model> UnitSet::Merge(const std::vector<Slot*>& slots) {
  proposed_upstreams_.clear();
  const Slot& main = *slots.front();
  if (main.chosen == nullptr) return nullptr;
  auto model = std::make_shared<Model>(main.chosen->model);
  model->upstreams.clear();
  model->routes.clear();
  model->files = ids_;
  const auto add_upstream = [&](const std::shared_ptr<const Upstream>& upstream) {
    if (proposed_upstreams_.emplace(upstream->name.value, upstream).second) model->upstreams.push_back(upstream);
  };
  for (const Slot* slot : slots) {
    if (slot->chosen == nullptr) continue;
    const Model& chosen = slot->chosen->model;
    for (const auto& upstream : chosen.upstreams) add_upstream(upstream);
    if (slot->IsObject())
      model->listeners.insert(model->listeners.end(), chosen.listeners.begin(), chosen.listeners.end());
  }
  // A unit that is kept keeps the upstreams that it knew, even if the unit that defined them let go of them.
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
  for (const Slot* slot : slots) {
    if (slot->chosen == nullptr) continue;
    const auto& routes = slot->chosen->model.routes;
    if (slot->IsVerified()) {
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
  for (auto it = slots_.begin(); it != slots_.end();) {
    Slot& slot = *it->second;
    slot.in_force = slot.chosen;
    if (!slot.present) gone_numbers_.push_back(slot.number);
    it = slot.present ? std::next(it) : slots_.erase(it);
  }
  upstreams_ = proposed_upstreams_;
  FreeNumbers();
}

LoadedFile LoadFile(std::string_view name, std::string_view text, std::string_view directory) {
  UnitSet set({.main_name = std::string(name), .directory = std::string(directory)});
  Proposal proposal = set.Propose({{std::string(name), std::string(text), UnitKind::kFragment}});
  return {std::move(proposal.model), std::move(proposal.units.front().diagnostics), std::move(proposal.offered)};
}

}  // namespace headgate::config
