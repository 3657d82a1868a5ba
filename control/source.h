// Where configuration comes from. A source offers units, and is asked again: regularly, and when somebody tells that
// something may have changed. Files are one (control/files).
// Owned by the loader.
// One thread: the one that compiles.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "config/units.h"

namespace headgate::control {

/// Why a source is asked.
enum class Trigger : uint8_t {
  kStart,    // the process starts, or a command runs: the source may wait for whoever writes
  kWatch,    // something moved, or it is time to look: what is being written, or did not change, is left alone
  kRequest,  // SIGHUP, POST /reload: whatever there is
};

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  struct Offer {
    std::vector<config::Unit> units;       // all that there are: one that is missing is gone
    std::vector<std::string> passed_over;  // looks like configuration and is not read: team.yml, a folder with YAML
  };
  static constexpr std::chrono::seconds kPoll{5};
  struct Answer {
    std::optional<Offer> offer;    // nothing: what was offered last still holds
    base::Duration again = kPoll;  // when to ask again if nobody tells earlier; kPoll at most
  };

  /// An error: the source cannot be read; what it offered last still holds. Only kWatch may get no offer.
  virtual absl::StatusOr<Answer> Ask(Trigger why) = 0;

  /// How the set has to be made for these units. The first source offers the main one: its options are taken.
  virtual config::UnitSetOptions unit_options() const { return {}; }
};

using SourceList = std::vector<std::unique_ptr<Source>>;

}  // namespace headgate::control
