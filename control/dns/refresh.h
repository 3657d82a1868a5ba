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

  static constexpr std::chrono::seconds kDeniedMin{30};
  static constexpr std::chrono::seconds kDeniedRetryMax{5};
  static constexpr uint32_t kDenialsMin = 3;

  /// Takes an answer; returns how long until the next look-up: the TTL within its bounds, or after failures 1 s
  /// doubling to 30 s, or 5 s while it is to be seen whether an address is gone. A family that nobody gave an answer
  /// for keeps its last addresses. Before a complete answer the return value means nothing.
  base::Duration Take(const Answer& answer, base::Instant now);
  /// Whether the last Take brought other addresses than those before. A failure never does; that there is no address
  /// does when it has been said kDenialsMin times over kDeniedMin: a name server that starts anew may say it for a
  /// while.
  bool changed() const { return changed_; }
  const std::vector<base::IpAddress>& addresses() const { return addresses_; }
  uint32_t failures() const { return failures_; }

 private:
  std::vector<base::IpAddress> v4_, v6_, addresses_;
  uint32_t failures_ = 0;  // in a row
  uint32_t denials_ = 0;   // that there is no address, since the last one that was
  base::Instant denied_since_{};
  bool changed_ = false;

  bool Denied(base::Instant now);
};

}  // namespace headgate::control::dns
