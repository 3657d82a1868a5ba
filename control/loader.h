// From the sources' units to compiled data: asked for, accepted unit by unit, compiled; what is bad is left at its last
// good content. The one path for run, validate and explain.
// Owned by the pipeline, or by a command.
// One thread: the one that compiles.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/units.h"
#include "control/source.h"
#include "routing/compile/compile.h"

namespace headgate::control {

class Loader {
 public:
  /// `sources`: at least one, see Source::unit_options; ids are unique over all of them. `more`: what else each unit is
  /// judged by, whatever else is wrong with it.
  explicit Loader(SourceList sources, config::UnitCheck more = {});
  explicit Loader(std::unique_ptr<Source> source, config::UnitCheck more = {});

  struct Content {
    std::vector<config::Unit> units;  // of all sources
    std::vector<std::string> passed_over;
    std::string problem;                   // not empty: what a source cannot be read for; its last offer is among units
    base::Duration again = Source::kPoll;  // sooner: something is being written
  };
  struct Loaded {
    std::shared_ptr<const routing::Compiled> compiled;  // null: no usable main file
    config::Proposal proposal;
    std::vector<config::Unit> in_effect;  // what `compiled` was made from
    std::string hash;                     // of in_effect, SHA-256 in hex; of one unit: of its text
    bool HasErrors() const { return compiled == nullptr || proposal.HasErrors(); }
  };

  /// Asks every source. The units' hash says whether there is anything new. An error when one of them cannot be read
  /// and never could.
  absl::StatusOr<Content> Read(Trigger why = Trigger::kRequest);
  /// `previous` may be null.
  Loaded Load(Content content, const routing::Compiled* previous);
  /// The same units without those that `problems` point into.
  Loaded Reject(const config::DiagnosticList& problems, const routing::Compiled* previous);
  /// What was loaded last is in force.
  void Commit(const Loaded& loaded);

 private:
  struct Asked {
    std::unique_ptr<Source> source;
    std::optional<Source::Offer> last;
  };
  Loaded Compile(config::Proposal proposal, const routing::Compiled* previous);
  void FillTexts(Loaded& loaded) const;

  std::vector<Asked> sources_;
  config::UnitSet units_;
  Content content_;
  std::map<std::string, config::Unit> in_force_;  // by id
};

/// Of one unit: of its text.
std::string HashOf(const std::vector<config::Unit>& units);

}  // namespace headgate::control
