#include "routing/explain_words.h"

#include <chrono>

#include "routing/conditions.h"
#include "routing/words.h"

namespace headgate::routing {
namespace {

std::string DescribePath(const MatchRule& match) {
  switch (match.path_kind) {
    case PathKind::kExact:
      return Words("path exactly ", match.path);
    case PathKind::kRegex:
      return Words("path pattern ", match.regex->pattern());
    case PathKind::kPrefix:
      return match.path.empty() ? "every path" : Words("path prefix ", match.path);
  }
  return {};
}

std::string DescribeCondition(std::string_view what, const ValueCondition& condition) {
  switch (condition.kind) {
    case ValueCondition::Kind::kExact:
      return Words(what, " ", condition.name, " is '", condition.value, "'");
    case ValueCondition::Kind::kRegex:
      return Words(what, " ", condition.name, " matches ", condition.regex->pattern());
    case ValueCondition::Kind::kPresent:
      return Words(what, " ", condition.name, " is present");
  }
  return {};
}

bool PathFits(const MatchRule& match, std::string_view path) {
  if (path == "*") return true;
  switch (match.path_kind) {
    case PathKind::kExact:
      return path == match.path;
    case PathKind::kRegex:
      return match.regex->FullMatch(path);
    case PathKind::kPrefix:
      return IsPathUnder(match.path, path);
  }
  return false;
}

}  // namespace

std::string DescribeMatch(const MatchRule& match) {
  std::string words = DescribePath(match);
  if (match.method) AppendWords(words, ", method ", http::MethodName(*match.method));
  for (const ValueCondition& header : match.headers) AppendWords(words, ", ", DescribeCondition("header", header));
  for (const ValueCondition& parameter : match.query) {
    AppendWords(words, ", ", DescribeCondition("query parameter", parameter));
  }
  return words;
}

std::string DescribeHost(HostKind kind, std::string_view text) {
  switch (kind) {
    case HostKind::kExact:
      return std::string(text);
    case HostKind::kWildcard:
      return Words("*.", text);
    case HostKind::kAny:
      return "any";
  }
  return {};
}

std::string WhyNot(const MatchRule& match, const http::RequestHead& head) {
  if (!PathFits(match, head.match_path)) {
    return Words("it asks for ", DescribePath(match), ", the path is ", head.match_path);
  }
  if (match.method && *match.method != head.method) {
    return Words("it asks for method ", http::MethodName(*match.method), ", not ", http::MethodName(head.method));
  }
  for (const ValueCondition& header : match.headers) {
    if (!HeaderFulfils(header, head)) return Words("it asks that ", DescribeCondition("header", header));
  }
  for (const ValueCondition& parameter : match.query) {
    if (!QueryFulfils(parameter, head)) {
      return Words("it asks that ", DescribeCondition("query parameter", parameter));
    }
  }
  return {};
}

std::string WhyAfter(const Entry& loser, const Entry& winner) {
  const MatchRule& mine = *loser.match;
  const MatchRule& theirs = *winner.match;
  const std::string other = Words("route '", winner.rules->name, "'");
  if (mine.path_kind != theirs.path_kind) {
    const std::string_view kind = theirs.path_kind == PathKind::kExact ? "an exact path" : "a pattern";
    return Words(kind, ", as ", other, " has, goes before its ", DescribePath(mine));
  }
  if (mine.path_kind == PathKind::kRegex && mine.regex->pattern().size() != theirs.regex->pattern().size()) {
    return Words("its ", DescribePath(mine), " is shorter than ", theirs.regex->pattern(), " of ", other);
  }
  if (mine.path_kind == PathKind::kPrefix && mine.path.size() != theirs.path.size()) {
    const std::string own = mine.path.empty() ? "path prefix /" : DescribePath(mine);
    return Words("its ", own, " is shorter than ", theirs.path, " of ", other);
  }
  if (mine.method.has_value() != theirs.method.has_value()) {
    return Words("it asks for no method, ", other, " does");
  }
  if (mine.headers.size() != theirs.headers.size()) return Words("it asks for fewer headers than ", other);
  if (mine.query.size() != theirs.query.size()) {
    return Words("it asks for fewer query parameters than ", other);
  }
  if (loser.rules == winner.rules) return "another match of the same route comes first";
  return Words("its name comes after '", winner.rules->name, "' in the alphabet");
}

std::string DescribeBackends(const ForwardAction& forward) {
  uint64_t total = 0;
  for (const Backend& backend : forward.backends) total += backend.weight;
  std::string words;
  for (const Backend& backend : forward.backends) {
    AppendWords(words, words.empty() ? "" : ", ", backend.name, " (", backend.weight, " of ", total, ")");
  }
  return words;
}

std::string DescribeRateLimit(const RateLimitPolicy& limit, const base::IpAddress& client) {
  using std::chrono::milliseconds;
  if (!limit.limits()) return {};
  if (base::Contains(limit.except, client)) return "none for this client";
  constexpr int64_t kThousand = 1000;
  const int64_t ms = std::chrono::duration_cast<milliseconds>(limit.per).count();
  const std::string per = ms % kThousand == 0 ? Words(ms / kThousand, "s") : Words(ms, "ms");
  std::string words = Words(limit.requests, " requests in ", per, ", ", limit.burst, " at once, by ");
  switch (limit.by) {
    case RateLimitPolicy::By::kClientIp:
      words += "clientIp";
      break;
    case RateLimitPolicy::By::kHeader:
      AppendWords(words, "header ", limit.header);
      break;
    case RateLimitPolicy::By::kRoute:
      words += "route";
      break;
  }
  return limit.dry_run ? words + "; dryRun: nothing is refused" : words;
}

}  // namespace headgate::routing
