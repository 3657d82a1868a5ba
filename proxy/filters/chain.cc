#include "proxy/filters/chain.h"

#include "proxy/filters/rate_limit.h"
#include "routing/policy/judgement.h"

namespace headgate::proxy {

namespace {

// Judges by the head alone.
class PolicyFilter final : public Filter {
 public:
  using Judgement = base::Error (*)(const routing::RoutePolicy&, const http::RequestHead&, const base::IpAddress&);
  explicit PolicyFilter(Judgement judgement) noexcept : judgement_(judgement) {}
  base::Error Judge(const routing::RoutePolicy& route, const http::RequestHead& head,
                    const base::IpAddress& client) const override {
    return judgement_(route, head, client);
  }

 private:
  Judgement judgement_;
};

}  // namespace

// The list: when a route needs a filter, and which.
std::shared_ptr<const FilterChain> MakeChain(const routing::RoutePolicy& route, const metrics::RouteSeries& series) {
  FilterChain chain;
  const auto judge = [&chain](bool needed, PolicyFilter::Judgement judgement) {
    if (needed) chain.push_back(std::make_unique<PolicyFilter>(judgement));
  };
  judge(route.access.restricts(), routing::JudgeAccess);
  if (route.rate_limit.limits()) chain.push_back(std::make_unique<RateLimitFilter>(route, series.rate_limited));
  judge(!route.websocket, routing::JudgeWebSocket);
  judge(route.max_body_bytes > 0, routing::JudgeBodySize);
  return chain.empty() ? nullptr : std::make_shared<const FilterChain>(std::move(chain));
}

base::Error JudgeByChain(const FilterChain* chain, const routing::RoutePolicy& route, const http::RequestHead& head,
                         const base::IpAddress& client) {
  if (chain == nullptr) return {};
  for (const auto& filter : *chain) {
    const base::Error error = filter->Judge(route, head, client);
    if (error.code != base::ErrorCode::kNone) return error;
  }
  return {};
}

}  // namespace headgate::proxy
