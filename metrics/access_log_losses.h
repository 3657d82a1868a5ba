// Lines that the access log's target did not take: counts them, and says so in the application log.
// Held by AccessLogWriter.
// One thread at a time.
#pragma once

#include <cstddef>

#include "base/clock.h"
#include "base/log/log.h"
#include "metrics/ids.h"
#include "metrics/shard.h"

namespace headgate::metrics {

class AccessLogLosses {
 public:
  static constexpr auto kWarningEvery = std::chrono::seconds(10);

  AccessLogLosses(Shard& shard, CounterId dropped) noexcept : shard_(shard), dropped_(dropped) {}

  /// A write ended with this errno; lines that are counted next are lost to it.
  void Failed(int error) noexcept { error_ = error; }
  /// Warns at most every kWarningEvery.
  void Count(size_t lines) noexcept;
  /// The target takes nothing and a ring is full: its worker drops lines, and counts them itself.
  void Stuck() noexcept;
  /// The target took something: if it was said that it does not, says that it does.
  void Written() noexcept {
    if (lost_ > 0) Recover();
  }

 private:
  void Recover() noexcept;

  Shard& shard_;
  const CounterId dropped_;
  base::log::LimitedLog warnings_{kWarningEvery};
  int error_ = 0;
  size_t lost_ = 0;  // since the target last took something
  bool told_ = false;
};

}  // namespace headgate::metrics
