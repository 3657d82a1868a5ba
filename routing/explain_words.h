// Rules and actions in words, for explanations.
// Pure functions.
// Any thread.
#pragma once

#include <string>

#include "base/ip.h"
#include "http/message.h"
#include "routing/policy/route.h"
#include "routing/table_index.h"

namespace headgate::routing {

// "path prefix /api, method GET, header x-tenant is 'beta'".
std::string DescribeMatch(const MatchRule& match);
// "*.shop.example.com", or "any".
std::string DescribeHost(HostKind kind, std::string_view text);
// Why the request does not fulfil the match; empty when it does.
std::string WhyNot(const MatchRule& match, const http::RequestHead& head);
// Why `winner` goes before `loser` though both fit.
std::string WhyAfter(const Entry& loser, const Entry& winner);
// "shop-v1 (95 of 100), shop-v2 (5 of 100)".
std::string DescribeBackends(const ForwardAction& forward);
// "100 requests in 1s, 50 at once, by clientIp"; empty without a limit.
std::string DescribeRateLimit(const RateLimitPolicy& limit, const base::IpAddress& client);

}  // namespace headgate::routing
