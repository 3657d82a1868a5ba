#include <cmath>
#include <limits>

#include "base/hash.h"
#include "http/cookie.h"
#include "routing/conditions.h"
#include "routing/split.h"

namespace headgate::routing {

uint64_t BackendNameHash(std::string_view name) noexcept { return base::StableHash64(name, 0); }

std::optional<uint32_t> CohortOf(const ForwardAction& action, std::string_view key) noexcept {
  std::optional<uint32_t> winner;
  // The highest -w / ln(u) is the lowest -ln(u) / w.
  double lowest = std::numeric_limits<double>::infinity();
  for (uint32_t i = 0; i < action.backends.size(); ++i) {
    const Backend& backend = action.backends[i];
    if (backend.weight == 0) continue;
    const uint64_t hash = base::StableHash64(key, backend.name_hash);
    const double u = (static_cast<double>(hash >> 11U) + 0.5) * 0x1p-53;
    const double score = -std::log(u) / backend.weight;
    if (score >= lowest) continue;
    lowest = score;
    winner = i;
  }
  return winner;
}

std::string_view StickyKey(const StickyPolicy& sticky, const http::RequestHead& head,
                           const base::IpAddress& client) noexcept {
  switch (sticky.by) {
    case StickyPolicy::By::kNone:
      return {};
    case StickyPolicy::By::kCookie:
      return http::FindCookie(head.headers, sticky.name).value_or(std::string_view()).substr(0, kStickyKeyBytesMax);
    case StickyPolicy::By::kHeader: {
      const http::HeaderField* field = head.headers.Find(sticky.header_id, sticky.name);
      return field == nullptr ? std::string_view() : field->value.substr(0, kStickyKeyBytesMax);
    }
    case StickyPolicy::By::kClientIp:
      return {reinterpret_cast<const char*>(client.bytes().data()), client.bytes().size()};
  }
  return {};
}

std::optional<uint32_t> ForcedBackend(const ForwardAction& action, const http::RequestHead& head) noexcept {
  for (uint32_t i = 0; i < action.backends.size(); ++i) {
    for (const ForceCondition& force : action.backends[i].force) {
      if (Fulfils(force, head)) return i;
    }
  }
  return std::nullopt;
}

}  // namespace headgate::routing
