#include "http/h2/abuse_guard.h"

#include <algorithm>

#include "http/h2/limits.h"

namespace headgate::http::h2 {
namespace {

constexpr FloodLimit LimitOf(Abuse kind) noexcept {
  switch (kind) {
    case Abuse::kResets:
      return kResets;
    case Abuse::kProvokedResets:
      return kProvokedResets;
    case Abuse::kContinuation:
      return {0, 1};  // the limit was counted where it was passed: the first event is one too many
    case Abuse::kHeaderBomb:
      return kHeaderBombs;
    case Abuse::kSettings:
      return kSettings;
    case Abuse::kPings:
      return kPings;
    case Abuse::kPriority:
      return kPriority;
    case Abuse::kEmptyFrames:
      return kEmptyFrames;
    case Abuse::kSmallWindowUpdates:
      return kSmallWindowUpdates;
    case Abuse::kSmallData:
      return kSmallData;
  }
  return {};
}

}  // namespace

uint32_t AbuseGuard::BurstOf(Abuse kind) const noexcept {
  const uint32_t burst = LimitOf(kind).burst;
  return kind == Abuse::kResets ? std::max(burst, streams_max_) : burst;
}

bool AbuseGuard::Allow(Abuse kind, base::Instant now) noexcept {
  Bucket& bucket = buckets_[static_cast<size_t>(kind)];
  if (bucket.used == 0) {
    bucket.since = now;
  } else if (now > bucket.since) {
    const auto event_time = base::Duration(std::chrono::seconds(1)) / LimitOf(kind).per_second;
    const auto forgiven = static_cast<uint64_t>((now - bucket.since) / event_time);
    bucket.since += event_time * static_cast<int64_t>(forgiven);
    bucket.used -= static_cast<uint32_t>(std::min<uint64_t>(forgiven, bucket.used));
  }
  if (bucket.used >= BurstOf(kind)) return false;
  ++bucket.used;
  return true;
}

void AbuseGuard::Forgive(Abuse kind, uint32_t events) noexcept {
  Bucket& bucket = buckets_[static_cast<size_t>(kind)];
  bucket.used -= std::min(events, bucket.used);
}

}  // namespace headgate::http::h2
