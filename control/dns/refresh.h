// When a name is looked up next, and what an answer means: pure, so that a test needs no clock and no server.
// Held by EndpointPublisher, one per upstream.
// One thread.
#pragma once

#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "control/dns/lookup.h"

namespace headgate::control::dns {

class Refresh {
 public:
  static constexpr std::chrono::seconds kTtlMin{1};
  static constexpr std::chrono::seconds kTtlMax{60};
  static constexpr std::chrono::seconds kRetryMin{1};
  static constexpr std::chrono::seconds kRetryMax{30};

  /// Takes an answer; returns how long until the next look-up: the TTL within its bounds, or after failures 1 s
  /// doubling to 30 s. A family that nobody gave an answer for keeps its last addresses. Before a complete answer the
  /// return value means nothing.
  base::Duration Take(const Answer& answer);
  /// Whether the last Take brought other addresses than those before. A failure never does.
  bool changed() const { return changed_; }
  const std::vector<base::IpAddress>& addresses() const { return addresses_; }
  uint32_t failures() const { return failures_; }

 private:
  std::vector<base::IpAddress> v4_, v6_, addresses_;
  uint32_t failures_ = 0;  // in a row
  bool changed_ = false;
};

}  // namespace headgate::control::dns
