// What a route asks of a request, as the table is built from it: hostnames, and matches any one of which will do.
// Shared by a compiled configuration and its table, and with the next ones when the route did not change.
// Const once built: any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/method.h"
#include "routing/policy/route.h"
#include "routing/regex/regex.h"

namespace headgate::routing {

// In the order of precedence.
enum class HostKind : uint8_t { kExact, kWildcard, kAny };
enum class PathKind : uint8_t { kExact, kRegex, kPrefix };

struct HostName {
  HostKind kind = HostKind::kAny;
  std::string text;  // lower case; a wildcard without its "*."; empty for any
};

struct MatchRule {
  PathKind path_kind = PathKind::kPrefix;
  // Normalised as http::Target::match_path is; a prefix has no slash at its end, so "/" is empty.
  std::string path;
  std::shared_ptr<const Regex> regex;  // of the whole path
  std::optional<http::Method> method;
  std::vector<ValueCondition> headers;
  std::vector<ValueCondition> query;
};

struct RouteRules {
  std::string name;                 // of the route
  std::vector<HostName> hostnames;  // never empty
  std::vector<MatchRule> matches;   // never empty
};

// A prefix with more segments than this is refused: it bounds the look-ups that one request costs.
inline constexpr uint32_t kPrefixSegmentsMax = 63;

}  // namespace headgate::routing
