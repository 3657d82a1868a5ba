#include "config/unit_names.h"

#include <algorithm>
#include <unordered_set>

#include "config/text.h"
#include "config/validate.h"

namespace headgate::config {
namespace {

void ReportTaken(UnitSet::Slot& slot, const char* what, const Located<std::string>& name, const std::string& holder,
                 const Position& at) {
  slot.lost = true;
  slot.conflicts.Error(Code::kNameTaken, name.at,
                       std::string(what) + " " + Quoted(name.value) + " belongs to " + Quoted(holder), "defined at",
                       at);
}

void ReportMet(UnitSet::Slot& slot, const Route& route, const Route& holder) {
  slot.lost = true;
  slot.conflicts.Error(Code::kSameMatches, route.name.at,
                       "routes " + Quoted(holder.name.value) + " and " + Quoted(route.name.value) +
                           " have the same listener, hostname and matches",
                       Quoted(holder.name.value) + " is at", holder.name.at);
}

std::string OwnerOf(const Listener& listener) { return "listener " + Quoted(listener.name.value); }

}  // namespace

void UnitSet::Names::ClaimName(Slot& slot, const Located<std::string>& name, Table& table) {
  if (name.value.empty()) return;
  const auto [holder, added] = table.holders.emplace(name.value, Name{&slot, name.at});
  if (added || holder->second.slot == &slot) return;
  ReportTaken(slot, table.what, name, holder->second.slot->name(), holder->second.at);
}

bool UnitSet::Names::IsNameFree(Slot& slot, const Located<std::string>& name, const Table& table) const {
  const auto holder = table.holders.find(name.value);
  if (holder == table.holders.end()) return true;
  ReportTaken(slot, table.what, name, holder->second.slot->name(), holder->second.at);
  return false;
}

const UnitSet::Names::Match* UnitSet::Names::HolderOf(const Slot& slot, const MatchClaim& claim) const {
  const auto [begin, end] = matches_.equal_range(claim.key);
  size_t compared = 0;
  for (auto it = begin; it != end && compared < kComparedMax; ++it, ++compared) {
    if (it->second.slot != &slot && ShareListener(*it->second.route, *claim.route)) return &it->second;
  }
  return nullptr;
}

void UnitSet::Names::ClaimMatch(Slot& slot, const MatchClaim& claim) {
  if (const Match* holder = HolderOf(slot, claim); holder != nullptr) {
    ReportMet(slot, *claim.route, *holder->route);
  } else {
    matches_.emplace(claim.key, Match{&slot, claim.route});
  }
}

void UnitSet::Names::TakeProcess(Slot& main, const Model& process) {
  DiagnosticList reported_already;
  TakePages(process, addresses_, reported_already);
  for (const Listener& listener : process.listeners) {
    listener_names_.push_back(listener.name.value);
    listeners_.holders.emplace(listener.name.value, Name{&main, listener.name.at});
    const auto& [address, at] = listener.address;
    if (addresses_.IsFree(address, at, {}, reported_already)) addresses_.Take(address, at, OwnerOf(listener));
  }
}

void UnitSet::Names::ClaimFile(Slot& slot, bool established) {
  const UnitContent& content = *slot.chosen;
  const bool unchanged = slot.chosen == slot.in_force;
  if (unchanged && !established) return;
  std::unordered_set<std::string_view> old_upstreams;
  std::unordered_set<std::string_view> old_routes;
  std::unordered_set<MatchKey, MatchKeyHash> old_matches;
  if (!unchanged && slot.in_force != nullptr) {
    for (const auto& upstream : slot.in_force->model.upstreams) old_upstreams.insert(upstream->name.value);
    for (const auto& route : slot.in_force->model.routes) old_routes.insert(route->name.value);
    for (const MatchClaim& claim : slot.in_force->claims) old_matches.insert(claim.key);
  }
  for (const auto& upstream : content.model.upstreams) {
    const bool old = unchanged || old_upstreams.contains(upstream->name.value);
    if (old == established) ClaimName(slot, upstream->name, upstreams_);
  }
  for (const auto& route : content.model.routes) {
    const bool old = unchanged || old_routes.contains(route->name.value);
    if (old == established) ClaimName(slot, route->name, routes_);
  }
  for (const MatchClaim& claim : content.claims) {
    const bool old = unchanged || old_matches.contains(claim.key);
    if (old == established) ClaimMatch(slot, claim);
  }
}

// Says of each claim who holds it.
bool UnitSet::Names::IsObjectFree(Slot& slot) const {
  const Model& model = slot.chosen->model;
  bool free = true;
  for (const Listener& listener : model.listeners) {
    const auto& [address, at] = listener.address;
    free = IsNameFree(slot, listener.name, listeners_) && free;
    free = addresses_.IsFree(address, at, OwnerOf(listener), slot.conflicts) && free;
  }
  for (const auto& upstream : model.upstreams) free = IsNameFree(slot, upstream->name, upstreams_) && free;
  for (const auto& route : model.routes) free = IsNameFree(slot, route->name, routes_) && free;
  for (const MatchClaim& claim : slot.chosen->claims) {
    const Match* holder = HolderOf(slot, claim);
    if (holder == nullptr) continue;
    ReportMet(slot, *claim.route, *holder->route);
    free = false;
  }
  slot.lost = slot.lost || !free;
  return free;
}

bool UnitSet::Names::TakeObject(Slot& slot) {
  if (!IsObjectFree(slot)) return false;
  const Model& model = slot.chosen->model;
  for (const Listener& listener : model.listeners) {
    listener_names_.push_back(listener.name.value);
    listeners_.holders.emplace(listener.name.value, Name{&slot, listener.name.at});
    addresses_.Take(listener.address.value, listener.address.at, OwnerOf(listener));
  }
  for (const auto& upstream : model.upstreams) {
    upstreams_.holders.emplace(upstream->name.value, Name{&slot, upstream->name.at});
  }
  for (const auto& route : model.routes) routes_.holders.emplace(route->name.value, Name{&slot, route->name.at});
  for (const MatchClaim& claim : slot.chosen->claims) matches_.emplace(claim.key, Match{&slot, claim.route});
  return true;
}

void UnitSet::Names::CheckReferences(Slot& slot) const {
  std::unordered_set<std::string_view> own;
  for (const auto& upstream : slot.offered->model.upstreams) own.insert(upstream->name.value);
  std::vector<std::string_view> words;
  const auto known = [&]() -> const std::vector<std::string_view>& {
    if (!words.empty()) return words;
    words.assign(own.begin(), own.end());
    for (const auto& [name, holder] : upstreams_.holders) words.push_back(name);
    return words;
  };
  for (const auto& route : slot.offered->model.routes) {
    ForEachTarget(*route, [&](const Located<std::string>& target) {
      if (target.value.empty() || own.contains(target.value) || upstreams_.holders.contains(target.value)) return;
      slot.faults.Error(Code::kUnknownUpstream, target.at,
                        "route " + Quoted(route->name.value) + " sends to an unknown upstream " + Quoted(target.value),
                        slot.faults.errors() < kComparedMax ? DidYouMean(target.value, known()) : std::string());
    });
    // Without any listener that is said once, of the main file.
    for (const Located<std::string>& name : route->listeners) {
      if (listener_names_.empty() || listeners_.holders.contains(name.value)) continue;
      slot.faults.Error(Code::kUnknownListener, name.at,
                        "route " + Quoted(route->name.value) + " names an unknown listener " + Quoted(name.value),
                        DidYouMean(name.value, listener_names_));
    }
  }
}

}  // namespace headgate::config
