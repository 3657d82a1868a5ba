// A file of the set with its contents, and who holds which names and matches among the chosen ones.
// Units are owned by the UnitSet, Names by one pass of its Settle().
// Control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/diagnostic.h"
#include "config/match_keys.h"
#include "config/model.h"
#include "config/unit.h"
#include "config/units.h"

namespace headgate::config {

/// Calls visit(name of an upstream, with its position) for everything that a route sends to.
template <class F>
void ForEachTarget(const Route& route, F visit) {
  for (const Backend& backend : route.backends) visit(backend.upstream);
  if (!route.blue_green) return;
  visit(route.blue_green->blue);
  visit(route.blue_green->green);
}

struct UnitSet::Unit {
  std::string name;
  uint32_t file = 0;
  bool is_main = false;
  bool present = false;
  std::shared_ptr<const UnitContent> offered;
  std::shared_ptr<const UnitContent> in_force;
  std::shared_ptr<const UnitContent> chosen;
  DiagnosticList rejected;  // by a later step, until the next Propose()
  bool refused = false;     // the offered content is bad, whatever the other files do
  DiagnosticList faults;    // why, if it is because of references and paths
  bool lost = false;        // the offered content claims what another file holds
  DiagnosticList conflicts;

  bool ChoseOffered() const { return chosen != nullptr && chosen == offered; }
  bool IsVerified() const { return ChoseOffered() && !refused && !lost; }
};

/// Who holds what among the chosen contents.
struct UnitSet::Names {
  struct Name {
    Unit* unit = nullptr;
    Position at;
  };
  struct Match {
    Unit* unit = nullptr;
    const Route* route = nullptr;
  };
  std::unordered_map<std::string_view, Name> upstreams;
  std::unordered_map<std::string_view, Name> routes;
  std::unordered_multimap<MatchKey, Match, MatchKeyHash> matches;
  std::vector<std::string_view> listeners;

  void ClaimName(Unit& unit, const Located<std::string>& name, bool route);
  void ClaimMatch(Unit& unit, const MatchClaim& claim);
  void Claim(Unit& unit, bool established);
  void CheckReferences(Unit& unit) const;
};

}  // namespace headgate::config
