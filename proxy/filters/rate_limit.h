// `rateLimit` of a route: 429 for what comes beyond it. The counts are the process's; a route that keeps its name keeps
// them over reloads.
// Owned by the route's chain.
// Const: any thread.
#pragma once

#include "metrics/ids.h"
#include "proxy/filters/filter.h"
#include "proxy/shared/rate_limiter.h"

namespace headgate::proxy {

class RateLimitFilter final : public Filter {
 public:
  // `limited` counts what is beyond the limit.
  RateLimitFilter(const routing::RoutePolicy& route, metrics::CounterId limited);
  FilterResult OnRequest(const FilterContext& context) const override;

 private:
  uint64_t KeyOf(const FilterContext& context) const noexcept;
  FilterResult Refuse(const FilterContext& context, const RateDecision& decision) const;

  RateLimit limit_;
  uint64_t name_hash_;
  metrics::CounterId limited_;
};

}  // namespace headgate::proxy
