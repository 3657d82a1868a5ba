// What a route does with a request that it won: one action and its policies, as plain data.
// Owned by the compiled configuration (shared with the next one when unchanged): const once published.
// Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "routing/policy/header_changes.h"
#include "routing/policy/rate_limit.h"
#include "routing/policy/retry.h"
#include "routing/regex/regex.h"

namespace headgate::routing {

// 0: none.
struct TimeoutsPolicy {
  base::Duration request{0};
  base::Duration backend_request{0};
  base::Duration head_idle = std::chrono::seconds(60);  // before the head; 0: backendRequest bounds that
  base::Duration idle = std::chrono::seconds(60);
  base::Duration tunnel_idle = std::chrono::hours(1);  // = idle when the route states one
  bool operator==(const TimeoutsPolicy&) const = default;
};

struct AccessPolicy {
  std::vector<base::Cidr> allow;
  std::vector<base::Cidr> deny;  // wins
  bool has_allow = false;
  bool Allows(const base::IpAddress& client) const noexcept;
  bool restricts() const noexcept { return has_allow || !deny.empty(); }
  bool operator==(const AccessPolicy&) const = default;
};

// A condition on one header, cookie or query parameter. Patterns are shared: the same pattern is the same object as
// long as it is in use.
struct ValueCondition {
  enum class Kind : uint8_t { kExact, kRegex, kPresent };
  Kind kind = Kind::kExact;
  http::HeaderId id = http::HeaderId::kOther;  // for headers
  std::string name;                            // lower case for headers
  std::string value;
  std::shared_ptr<const Regex> regex;
  bool operator==(const ValueCondition&) const = default;
};

struct ForceCondition {
  bool cookie = false;  // else a header
  ValueCondition condition;
  bool operator==(const ForceCondition&) const = default;
};

struct Backend {
  uint32_t upstream = 0;   // index into the compiled configuration's upstreams
  std::string name;        // the upstream's
  uint64_t name_hash = 0;  // for rendezvous hashing
  uint32_t weight = 1;
  std::vector<ForceCondition> force;
  bool operator==(const Backend&) const = default;
};

struct StickyPolicy {
  enum class By : uint8_t { kNone, kCookie, kHeader, kClientIp };
  By by = By::kNone;
  std::string name;  // cookie or header (lower case)
  http::HeaderId header_id = http::HeaderId::kOther;
  base::Duration ttl{0};  // 0: session cookie
  bool strict = false;
  bool operator==(const StickyPolicy&) const = default;
};

struct ForwardAction {
  std::vector<Backend> backends;
  StickyPolicy sticky;
  bool operator==(const ForwardAction&) const = default;
};

struct RedirectAction {
  uint16_t status = 302;
  std::string scheme;    // empty: as it was
  std::string hostname;  // empty: as it was
  uint16_t port = 0;     // 0: by the listener's publicPort or the scheme's default
  enum class Path : uint8_t { kKeep, kReplace, kReplacePrefix };
  Path path_kind = Path::kKeep;
  std::string path;
  bool operator==(const RedirectAction&) const = default;
};

struct RespondAction {
  uint16_t status = 200;
  std::string body;
  HeaderChanges headers;  // `set` only
  bool operator==(const RespondAction&) const = default;
};

struct RewritePolicy {
  enum class Kind : uint8_t { kNone, kPrefix, kPath, kRegex };
  Kind kind = Kind::kNone;
  std::string replacement;  // prefix, path or substitution
  std::shared_ptr<const Regex> regex;
  std::string hostname;  // empty: as it was
  bool operator==(const RewritePolicy&) const = default;
};

struct RoutePolicy {
  std::string name;
  std::variant<ForwardAction, RedirectAction, RespondAction> action;
  TimeoutsPolicy timeouts;
  RetryPolicy retry;
  uint64_t max_body_bytes = 0;  // 0: none
  bool websocket = true;
  HeaderChanges request_headers;
  HeaderChanges response_headers;
  RewritePolicy rewrite;
  AccessPolicy access;
  RateLimitPolicy rate_limit;
  bool operator==(const RoutePolicy&) const = default;
};

}  // namespace headgate::routing
