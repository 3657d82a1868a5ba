// A unit of the set with its contents, and who holds which names, addresses and matches among the chosen ones.
// Slots are owned by the UnitSet, Names by one pass of its Settle().
// Control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/address_book.h"
#include "config/diagnostic.h"
#include "config/match_keys.h"
#include "config/model.h"
#include "config/unit.h"
#include "config/unit_content.h"
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

struct UnitSet::Slot {
  std::string id;
  uint32_t number = 0;  // Position::file
  UnitKind kind = UnitKind::kRoutes;
  uint64_t order = 0;
  bool present = false;
  std::shared_ptr<const UnitContent> offered;
  std::shared_ptr<const UnitContent> in_force;
  std::shared_ptr<const UnitContent> chosen;
  DiagnosticList rejected;  // by a later step, until the next Propose()
  bool refused = false;     // the offered content is bad, whatever the other units do
  DiagnosticList faults;    // why, if it is because of references and paths
  bool lost = false;        // the offered content claims what another unit holds
  DiagnosticList conflicts;

  bool IsMain() const { return kind == UnitKind::kMain || kind == UnitKind::kFragment; }
  bool IsObject() const { return kind == UnitKind::kObject; }
  bool ChoseOffered() const { return chosen != nullptr && chosen == offered; }
  bool IsVerified() const { return ChoseOffered() && !refused && !lost; }
  /// The document's, where there is one.
  const std::string& name() const { return offered->origin != nullptr ? offered->origin->document : id; }
};

/// Who holds what among the chosen contents.
class UnitSet::Names {
 public:
  /// The main unit's listeners and pages: `process` is its model, be it good or not.
  void TakeProcess(Slot& main, const Model& process);
  /// What a file claims. In two passes over all of them: first what each holds already by its content in force, then
  /// what is new. A claim that another holds makes it lose; its others stand.
  void ClaimFile(Slot& slot, bool established);
  /// All that an object claims or, if another holds a part of it, nothing: then it is false.
  bool TakeObject(Slot& slot);
  /// Adds to the faults of the unit what its offered content names and nobody has.
  void CheckReferences(Slot& slot) const;

 private:
  struct Name {
    Slot* slot = nullptr;
    Position at;
  };
  struct Table {
    const char* what = "";
    std::unordered_map<std::string_view, Name> holders;
  };
  struct Match {
    Slot* slot = nullptr;
    const Route* route = nullptr;
  };

  void ClaimName(Slot& slot, const Located<std::string>& name, Table& table);
  void ClaimMatch(Slot& slot, const MatchClaim& claim);
  bool IsNameFree(Slot& slot, const Located<std::string>& name, const Table& table) const;
  const Match* HolderOf(const Slot& slot, const MatchClaim& claim) const;
  bool IsObjectFree(Slot& slot) const;

  Table upstreams_{"upstream", {}};
  Table routes_{"route", {}};
  Table listeners_{"listener", {}};
  std::vector<std::string_view> listener_names_;  // as listeners_, in their order
  AddressBook addresses_;
  std::unordered_multimap<MatchKey, Match, MatchKeyHash> matches_;
};

}  // namespace headgate::config
