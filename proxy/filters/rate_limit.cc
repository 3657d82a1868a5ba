#include "proxy/filters/rate_limit.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/hash.h"

namespace headgate::proxy {
namespace {

using routing::RateLimitPolicy;

constexpr base::Error kLimited{base::ErrorCode::kRateLimited, base::Side::kClient, base::Retry::kNever,
                               "beyond the route's rateLimit"};
constexpr size_t kIpv6PrefixBytes = 8;

// Whole seconds, upwards: who comes back then is not too early.
uint64_t Seconds(base::Duration duration) noexcept {
  return static_cast<uint64_t>(std::max<int64_t>(std::chrono::ceil<std::chrono::seconds>(duration).count(), 0));
}

std::string_view Number(uint64_t number, base::Arena& arena) {
  constexpr size_t kDigitsMax = 20;
  char* text = arena.AllocateArray<char>(kDigitsMax);
  return {text, static_cast<size_t>(std::to_chars(text, text + kDigitsMax, number).ptr - text)};
}

}  // namespace

RateLimitFilter::RateLimitFilter(const routing::RoutePolicy& route, metrics::CounterId limited)
    : limit_(route.rate_limit.requests, route.rate_limit.per, route.rate_limit.burst),
      name_hash_(base::StableHash64(route.name, 0)),
      limited_(limited) {}

uint64_t RateLimitFilter::KeyOf(const FilterContext& context) const noexcept {
  const RateLimitPolicy& policy = context.route.rate_limit;
  std::string_view text;  // empty: all requests of the route; those without the header are counted together
  if (policy.by == RateLimitPolicy::By::kClientIp) {
    const auto& bytes = context.client.bytes();
    text = {reinterpret_cast<const char*>(bytes.data()), context.client.is_v4() ? bytes.size() : kIpv6PrefixBytes};
  } else if (policy.by == RateLimitPolicy::By::kHeader) {
    const http::HeaderField* field = context.head.headers.Find(policy.header_id, policy.header);
    if (field != nullptr) text = field->value;
  }
  return context.worker.process.rate_limiter.KeyOf(text, name_hash_);
}

FilterResult RateLimitFilter::OnRequest(const FilterContext& context) const {
  const RateLimitPolicy& policy = context.route.rate_limit;
  if (base::Contains(policy.except, context.client)) return FilterResult::Continue();
  RateLimiter& limiter = context.worker.process.rate_limiter;
  const RateDecision decision = limiter.Take(KeyOf(context), limit_, context.worker.now);
  if (decision.allowed) return FilterResult::Continue();
  context.worker.shard.Add(limited_, 1);
  return policy.dry_run ? FilterResult::Continue() : Refuse(context, decision);
}

// RateLimit and RateLimit-Policy: draft-ietf-httpapi-ratelimit-headers-10.
FilterResult RateLimitFilter::Refuse(const FilterContext& context, const RateDecision& decision) const {
  base::Arena& arena = context.arena;
  auto* reply = new (arena.Allocate(sizeof(Reply), alignof(Reply))) Reply(arena);
  ComposeErrorReply(kLimited.code, context.request_id, context.head, *reply);
  const RateLimitPolicy& policy = context.route.rate_limit;
  const std::string_view wait = Number(std::max<uint64_t>(Seconds(decision.retry_after), 1), arena);
  http::HeaderMap& fields = reply->head.headers;
  fields.Add(http::HeaderId::kRetryAfter, wait);
  fields.Add(
      http::HeaderId::kOther, "ratelimit-policy",
      arena.Concat({"\"default\";q=", Number(policy.requests, arena), ";w=", Number(Seconds(policy.per), arena)}));
  fields.Add(http::HeaderId::kOther, "ratelimit",
             arena.Concat(
                 {"\"default\";r=", Number(decision.remaining, arena), ";t=", Number(Seconds(decision.reset), arena)}));
  return FilterResult::Replied(*reply, kLimited);
}

}  // namespace headgate::proxy
