// Counts what a peer should do rarely; says when it does it too often. A token bucket for each kind.
// Owned by a session.
// One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace headgate::http::h2 {

// What a connection was ended for, always with GOAWAY(ENHANCE_YOUR_CALM). The reasons of
// headgate_requests_rejected_total follow this order (h2_reset_flood ...).
enum class Abuse : uint8_t {
  kResets,          // requests cancelled before they were answered (CVE-2023-44487)
  kProvokedResets,  // resets that we had to send
  kContinuation,    // CONTINUATION frames, or a head beyond kDecodedHeadBytesMax
  kHeaderBomb,      // streams refused because the heads under way take too much
  kSettings,
  kPings,
  kPriority,
  kEmptyFrames,
  kSmallWindowUpdates,
  kSmallData,
};
inline constexpr size_t kAbuseCount = 10;

class AbuseGuard {
 public:
  // Whoever may have `streams_max` requests open may cancel them all at once, as gRPC clients do at a deadline.
  explicit AbuseGuard(uint32_t streams_max) noexcept : streams_max_(streams_max) {}

  // One more event of this kind. False: too many; the connection must end.
  bool Allow(Abuse kind, base::Instant now) noexcept;
  // So many events of this kind are as if they had not been.
  void Forgive(Abuse kind, uint32_t events) noexcept;

 private:
  struct Bucket {
    uint32_t used = 0;      // events not yet forgiven
    base::Instant since{};  // until when time has forgiven
  };
  uint32_t BurstOf(Abuse kind) const noexcept;

  const uint32_t streams_max_;
  std::array<Bucket, kAbuseCount> buckets_{};
};

}  // namespace headgate::http::h2
