// The configuration as a set of units, each accepted, or kept at its last good content, by itself.
// Owned by the control pipeline's loader, which asks the sources and hands their units over.
// Control thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/diagnostic.h"
#include "config/render.h"
#include "config/unit.h"

namespace headgate::config {

struct Model;
struct Upstream;

/// A further check of one unit's content, run once for each content. Hook for the compile step, which knows regular
/// expressions; an error refuses that unit alone.
using UnitCheck = std::function<void(const Model& unit, DiagnosticList& diagnostics)>;

struct UnitSetOptions {
  std::string main_name = {};  // the main unit's id, to ask for it where no source offers one
  std::string directory = {};  // the folder that relative paths of files start from; absolute is best
  bool confined = false;       // a directory of files: paths to files stay inside it or below fileRoots
};

/// What became of a unit.
enum class UnitStatus : uint8_t {
  kAccepted,  // its present content is part of the proposal
  kKept,      // its present content is bad, the last good one is part of the proposal
  kLeftOut,   // its present content is bad and there is no other
};

struct UnitReport {
  std::string id;
  UnitStatus status = UnitStatus::kAccepted;
  bool changed = false;  // not the content that is in force
  DiagnosticList diagnostics;
};

struct Proposal {
  /// Null if there is no main unit, or it is bad and has no last good content.
  std::shared_ptr<const Model> model;
  std::vector<UnitReport> units;  // the main one, the other files by id, objects with the oldest first
  Sources offered;                // what units[].diagnostics point into
  Sources chosen;                 // what the model's positions point into: for later steps that find problems
  bool HasErrors() const;
};

/// Propose() -> model -> build; then Commit(), or Reject() what the build found and build again. Nothing but Commit()
/// changes what is in force.
class UnitSet {
 public:
  explicit UnitSet(UnitSetOptions options, UnitCheck check = {});
  ~UnitSet();
  UnitSet(const UnitSet&) = delete;
  UnitSet& operator=(const UnitSet&) = delete;

  /// All units as they are now, of every source, in any order; at most one is the main one. A unit that is missing here
  /// is gone. Only units whose text changed are decoded. `passed_over`: what lies beside the files and looks like
  /// configuration, but is not read; folders end with '/'.
  Proposal Propose(const std::vector<Unit>& units, const std::vector<std::string>& passed_over = {});

  /// The same units once more, without the ones that `problems` (errors only) point into by Position::file.
  Proposal Reject(const DiagnosticList& problems);

  /// The last proposal is in force. Only if its model is not null.
  void Commit();

  // A unit's place in the set, and who holds which names: unit_names.h.
  struct Slot;
  class Names;

 private:
  uint32_t NumberFor(const std::string& id);
  void FreeNumbers();
  Slot& Offer(const Unit& unit);
  void OfferUnread(Unit unit);
  void OfferMissingMain();
  void WarnOfPassedOver(const std::vector<std::string>& names);
  Slot* Main() const;
  std::vector<Slot*> Present() const;
  Proposal Link();
  bool Settle(const std::vector<Slot*>& slots);
  void Claim(const std::vector<Slot*>& slots, Names& names);
  bool FindFaults(const std::vector<Slot*>& slots, const Names& names);
  std::shared_ptr<const Model> Merge(const std::vector<Slot*>& slots);

  UnitSetOptions options_;
  UnitCheck check_;
  std::vector<std::string> ids_;  // by number
  std::vector<uint32_t> free_numbers_;
  std::vector<uint32_t> gone_numbers_;  // of units that are gone and may still be pointed into
  std::map<std::string, std::unique_ptr<Slot>, std::less<>> slots_;
  std::shared_ptr<const Model> proposed_;
  // What upstreams' names mean, in force and as proposed: a unit that is kept keeps the upstreams that it knew.
  using Upstreams = std::unordered_map<std::string_view, std::shared_ptr<const Upstream>>;
  Upstreams upstreams_;
  Upstreams proposed_upstreams_;
};

/// One file, or a piece of one without listeners, by itself. `diagnostics` are complete and sorted.
struct LoadedFile {
  std::shared_ptr<const Model> model;  // null if there is an error
  DiagnosticList diagnostics;
  Sources sources;
};
LoadedFile LoadFile(std::string_view name, std::string_view text, std::string_view directory = {});

}  // namespace headgate::config
