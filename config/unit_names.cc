#include "config/unit_names.h"

#include <algorithm>
#include <unordered_set>

#include "config/text.h"

namespace headgate::config {
namespace {}  // namespace

void UnitSet::Names::ClaimName(Unit& unit, const Located<std::string>& name, bool route) {
  if (name.value.empty()) return;
  const auto [holder, added] = (route ? routes : upstreams).emplace(name.value, Name{&unit, name.at});
  if (added || holder->second.unit == &unit) return;
  unit.lost = true;
  unit.conflicts.Error(Code::kNameTaken, name.at,
                       std::string(route ? "route " : "upstream ") + Quoted(name.value) + " belongs to " +
                           Quoted(holder->second.unit->name),
                       "defined at", holder->second.at);
}

void UnitSet::Names::ClaimMatch(Unit& unit, const MatchClaim& claim) {
  const auto [begin, end] = matches.equal_range(claim.key);
  size_t compared = 0;
  for (auto it = begin; it != end && compared < kComparedMax; ++it, ++compared) {
    const Match& holder = it->second;
    if (holder.unit == &unit || !ShareListener(*holder.route, *claim.route)) continue;
    unit.lost = true;
    unit.conflicts.Error(Code::kSameMatches, claim.route->name.at,
                         "routes " + Quoted(holder.route->name.value) + " and " + Quoted(claim.route->name.value) +
                             " have the same listener, hostname and matches",
                         Quoted(holder.route->name.value) + " is at", holder.route->name.at);
    return;
  }
  matches.emplace(claim.key, Match{&unit, claim.route});
}

// In two passes over all files: first what a file holds already in the content in force, then what is new.
void UnitSet::Names::Claim(Unit& unit, bool established) {
  const UnitContent& content = *unit.chosen;
  const bool unchanged = unit.chosen == unit.in_force;
  if (unchanged && !established) return;
  std::unordered_set<std::string_view> old_upstreams;
  std::unordered_set<std::string_view> old_routes;
  std::unordered_set<MatchKey, MatchKeyHash> old_matches;
  if (!unchanged && unit.in_force != nullptr) {
    for (const auto& upstream : unit.in_force->model.upstreams) old_upstreams.insert(upstream->name.value);
    for (const auto& route : unit.in_force->model.routes) old_routes.insert(route->name.value);
    for (const MatchClaim& claim : unit.in_force->claims) old_matches.insert(claim.key);
  }
  for (const auto& upstream : content.model.upstreams) {
    const bool old = unchanged || old_upstreams.contains(upstream->name.value);
    if (old == established) ClaimName(unit, upstream->name, false);
  }
  for (const auto& route : content.model.routes) {
    const bool old = unchanged || old_routes.contains(route->name.value);
    if (old == established) ClaimName(unit, route->name, true);
  }
  for (const MatchClaim& claim : content.claims) {
    const bool old = unchanged || old_matches.contains(claim.key);
    if (old == established) ClaimMatch(unit, claim);
  }
}

void UnitSet::Names::CheckReferences(Unit& unit) const {
  std::unordered_set<std::string_view> own;
  for (const auto& upstream : unit.offered->model.upstreams) own.insert(upstream->name.value);
  std::vector<std::string_view> words;
  const auto known = [&]() -> const std::vector<std::string_view>& {
    if (!words.empty()) return words;
    words.assign(own.begin(), own.end());
    for (const auto& [name, holder] : upstreams) words.push_back(name);
    return words;
  };
  for (const auto& route : unit.offered->model.routes) {
    ForEachTarget(*route, [&](const Located<std::string>& target) {
      if (target.value.empty() || own.contains(target.value) || upstreams.contains(target.value)) return;
      unit.faults.Error(Code::kUnknownUpstream, target.at,
                        "route " + Quoted(route->name.value) + " sends to an unknown upstream " + Quoted(target.value),
                        unit.faults.errors() < kComparedMax ? DidYouMean(target.value, known()) : std::string());
    });
    // Without any listener that is said once, of the main file.
    for (const Located<std::string>& name : route->listeners) {
      if (listeners.empty()) break;
      if (std::find(listeners.begin(), listeners.end(), name.value) != listeners.end()) continue;
      unit.faults.Error(Code::kUnknownListener, name.at,
                        "route " + Quoted(route->name.value) + " names an unknown listener " + Quoted(name.value),
                        DidYouMean(name.value, listeners));
    }
  }
}

}  // namespace headgate::config
