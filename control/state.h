// What the control plane knows and may be asked for: the configuration in force, how the last reload went, the phase.
// Owned by app's wiring; outlives the pipeline and the servers that show it.
// Any thread: a mutex held for a pointer's copy. Never on the request path.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/units.h"
#include "proxy/snapshot/snapshot.h"

namespace headgate::control {

struct InForce {
  std::shared_ptr<const proxy::Snapshot> snapshot;
  std::vector<config::Unit> units;  // what it was made from
  config::Sources places;           // names where the positions of its model are
  base::WallTime since;
};

enum class ReloadOutcome : uint8_t {
  kApplied,
  kConfiguration,  // nothing (or not everything) was applied: the configuration is bad
  kAddress,        // an address cannot be listened on; nothing was applied
  kRefused,        // not at this time
};

struct UnitState {
  std::string id;
  config::UnitStatus status = config::UnitStatus::kAccepted;
};

struct ReloadReport {
  ReloadOutcome outcome = ReloadOutcome::kApplied;
  bool in_part = false;  // kConfiguration: the good units were applied
  std::string problems;  // as a compiler prints them; empty when there are none. May hold warnings when it went well
  std::string hash;      // in force after it
  uint64_t generation = 0;
  base::WallTime at;
  base::Duration took{0};
  std::vector<UnitState> units;
  bool ok() const { return outcome == ReloadOutcome::kApplied; }
};

enum class Phase : uint8_t { kStarting, kServing, kDraining };

class State {
 public:
  void SetInForce(std::shared_ptr<const InForce> in_force) {
    const std::lock_guard lock(mutex_);
    in_force_.swap(in_force);
  }
  /// Null before the first.
  std::shared_ptr<const InForce> in_force() const {
    const std::lock_guard lock(mutex_);
    return in_force_;
  }
  void SetLastReload(std::shared_ptr<const ReloadReport> report) {
    const std::lock_guard lock(mutex_);
    last_reload_.swap(report);
  }
  std::shared_ptr<const ReloadReport> last_reload() const {
    const std::lock_guard lock(mutex_);
    return last_reload_;
  }

  void SetPhase(Phase phase) noexcept { phase_.store(phase); }
  Phase phase() const noexcept { return phase_.load(); }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const InForce> in_force_;
  std::shared_ptr<const ReloadReport> last_reload_;
  std::atomic<Phase> phase_{Phase::kStarting};
};

}  // namespace headgate::control
