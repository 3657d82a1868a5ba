// The route table against a naive matcher that was written from the documentation alone: random routes over small
// vocabularies, made from bytes, so that a fuzzer and a property test can share them.
// Stateless.
// One thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/arena.h"
#include "base/slab.h"
#include "http/message.h"
#include "routing/route_table.h"
#include "routing/route_table_builder.h"

namespace headgate::routing::reference {

inline constexpr uint32_t kListeners = 67;  // two groups of the table
inline constexpr std::array<std::string_view, 10> kHostnames = {
    "", "a.com", "b.a.com", "c.b.a.com", "*.a.com", "*.b.a.com", "*.com", "com", "*.c.b.a.com", "[::1]"};
inline constexpr std::array<std::string_view, 9> kHosts = {"",      "a.com", "b.a.com", "c.b.a.com", "x.c.b.a.com",
                                                           "x.com", "com",   "[::1]",   ".a.com"};
inline constexpr std::array<std::string_view, 12> kPaths = {"/",      "/a", "/ab",  "/a/",   "/a/b",   "/a/b/",
                                                            "/a/b/c", "/b", "/b/a", "/a/ab", "/a%2Fb", "/a/b/c/d"};
struct Pattern {
  const char* text;
  bool (*fits)(std::string_view path);
};
inline constexpr std::array<Pattern, 5> kPatterns = {{
    {"/a.*", [](std::string_view path) { return path.starts_with("/a"); }},
    {"/./b", [](std::string_view path) { return path.size() == 4 && path[0] == '/' && path.substr(2) == "/b"; }},
    {".*", [](std::string_view) { return true; }},
    {"(?:)/a/?", [](std::string_view path) { return path == "/a" || path == "/a/"; }},
    {"/b|/ab", [](std::string_view path) { return path == "/b" || path == "/ab"; }},
}};
inline constexpr std::array<http::Method, 3> kMethods = {http::Method::kGet, http::Method::kPost,
                                                         http::Method::kOptions};
inline constexpr std::array<std::string_view, 2> kNames = {"x-a", "x-b"};
inline constexpr std::array<std::string_view, 2> kValues = {"1", "2"};
inline constexpr std::array<std::string_view, 6> kQueries = {"",          "x-a=1", "x-b=2&x-a=2", "x-a=1&x-b=1",
                                                             "x%2Da=%31", "x-b"};

class Bytes {
 public:
  explicit Bytes(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint32_t Below(size_t bound) {
    if (bytes_.empty()) return 0;
    const uint8_t byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return static_cast<uint32_t>(byte % bound);
  }
  template <class T, size_t kSize>
  const T& Pick(const std::array<T, kSize>& choices) {
    return choices[Below(kSize)];
  }

 private:
  std::span<const uint8_t> bytes_;
};

struct Condition {
  std::string_view name;
  std::optional<std::string_view> value;  // nothing: present
};

struct RouteMatch {
  PathKind kind = PathKind::kPrefix;
  std::string_view path;
  const Pattern* pattern = nullptr;
  std::optional<http::Method> method;
  std::vector<Condition> headers;
  std::vector<Condition> query;
};

struct Route {
  std::string name;
  std::vector<uint32_t> listeners;
  std::vector<std::string_view> hostnames;
  std::vector<RouteMatch> matches;
};

struct Request {
  uint32_t listener = 0;
  std::string_view host;
  std::string_view path;
  http::Method method = http::Method::kGet;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  std::string_view query;
};

inline std::vector<Condition> MakeConditions(Bytes& bytes) {
  std::vector<Condition> conditions(bytes.Below(4) == 0 ? bytes.Below(3) : 0);
  for (Condition& condition : conditions) {
    condition.name = bytes.Pick(kNames);
    if (bytes.Below(3) != 0) condition.value = bytes.Pick(kValues);
  }
  return conditions;
}

inline Route MakeRoute(Bytes& bytes, size_t number) {
  Route route;
  route.name = std::string(1, static_cast<char>('a' + bytes.Below(26))) + std::to_string(number);
  for (uint32_t i = bytes.Below(3); i > 0; --i) route.listeners.push_back(bytes.Below(3) * 33);
  for (uint32_t i = bytes.Below(3); i > 0; --i) route.hostnames.push_back(bytes.Pick(kHostnames));
  route.matches.resize(1 + bytes.Below(2));
  for (RouteMatch& match : route.matches) {
    match.kind = static_cast<PathKind>(bytes.Below(3));
    match.path = bytes.Pick(kPaths);
    if (match.kind == PathKind::kRegex) match.pattern = &bytes.Pick(kPatterns);
    if (bytes.Below(4) == 0) match.method = bytes.Pick(kMethods);
    match.headers = MakeConditions(bytes);
    match.query = MakeConditions(bytes);
  }
  return route;
}

inline Request MakeRequest(Bytes& bytes) {
  Request request;
  request.listener = bytes.Below(3) * 33;
  request.host = bytes.Pick(kHosts);
  request.path = bytes.Pick(kPaths);
  request.method = bytes.Pick(kMethods);
  if (request.method == http::Method::kOptions && bytes.Below(2) == 0) request.path = "*";
  for (uint32_t i = bytes.Below(3); i > 0; --i) request.headers.emplace_back(bytes.Pick(kNames), bytes.Pick(kValues));
  request.query = bytes.Pick(kQueries);
  return request;
}

// ---- the documentation's rules, as plainly as they can be written ---------------------------------------------------

// How specific a hostname is for this host; nothing when it does not fit.
inline std::optional<std::pair<int, size_t>> HostRank(std::string_view hostname, std::string_view host) {
  if (hostname.empty()) return std::pair{0, size_t{0}};
  if (!hostname.starts_with("*.")) {
    return hostname == host ? std::optional(std::pair{2, hostname.size()}) : std::nullopt;
  }
  const std::string_view tail = hostname.substr(1);
  const bool fits = host.ends_with(tail) && host.size() > tail.size();
  return fits ? std::optional(std::pair{1, hostname.size()}) : std::nullopt;
}

inline std::string_view WithoutSlash(std::string_view prefix) {
  return prefix.ends_with('/') ? prefix.substr(0, prefix.size() - 1) : prefix;
}

inline bool PathFits(const RouteMatch& match, std::string_view path) {
  if (path == "*") return true;
  if (match.kind == PathKind::kExact) return match.path == path;
  if (match.kind == PathKind::kRegex) return match.pattern->fits(path);
  const std::string prefix(WithoutSlash(match.path));
  return path == prefix || path.starts_with(prefix + "/");
}

inline bool HeaderFits(const Condition& condition, const Request& request) {
  return std::any_of(request.headers.begin(), request.headers.end(), [&](const auto& header) {
    return header.first == condition.name && (!condition.value || *condition.value == header.second);
  });
}

inline std::vector<std::pair<std::string_view, std::string_view>> Parameters(std::string_view query) {
  using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;
  if (query.empty()) return {};
  if (query == kQueries[2]) return Pairs{{"x-b", "2"}, {"x-a", "2"}};
  if (query == kQueries[3]) return Pairs{{"x-a", "1"}, {"x-b", "1"}};
  if (query == kQueries[5]) return Pairs{{"x-b", ""}};
  return Pairs{{"x-a", "1"}};
}

inline bool QueryFits(const Condition& condition, const Request& request) {
  for (const auto& [name, value] : Parameters(request.query)) {
    if (name == condition.name) return !condition.value || *condition.value == value;
  }
  return false;
}

inline bool Fits(const RouteMatch& match, const Request& request) {
  if (!PathFits(match, request.path)) return false;
  if (match.method && *match.method != request.method) return false;
  return std::all_of(match.headers.begin(), match.headers.end(),
                     [&](const Condition& c) { return HeaderFits(c, request); }) &&
         std::all_of(match.query.begin(), match.query.end(), [&](const Condition& c) { return QueryFits(c, request); });
}

// Of two paths of one length, which only OPTIONS * can bring together, the first in the alphabet.
struct Earlier {
  std::string_view path;
  bool operator==(const Earlier&) const = default;
  bool operator<(const Earlier& other) const { return path > other.path; }
};
using Rank = std::tuple<bool, int, size_t, Earlier, bool, size_t, size_t>;
inline Rank RankOf(const RouteMatch& match, const Request& request) {
  const bool takes_all = request.path == "*" && match.kind == PathKind::kPrefix && match.path == "/";
  const int kind = match.kind == PathKind::kExact ? 2 : (match.kind == PathKind::kRegex ? 1 : 0);
  const std::string_view path = match.kind == PathKind::kRegex    ? std::string_view()
                                : match.kind == PathKind::kPrefix ? WithoutSlash(match.path)
                                                                  : match.path;
  const size_t length = match.kind == PathKind::kRegex ? std::string_view(match.pattern->text).size() : path.size();
  return {takes_all, kind, length, Earlier{path}, match.method.has_value(), match.headers.size(), match.query.size()};
}

// The name of the route that wins; empty: 404.
inline std::string Naive(const std::vector<Route>& routes, const Request& request) {
  std::optional<std::pair<int, size_t>> best_host;
  const auto on_listener = [&](const Route& route) {
    return route.listeners.empty() ||
           std::find(route.listeners.begin(), route.listeners.end(), request.listener) != route.listeners.end();
  };
  const auto hostnames = [](const Route& route) {
    return route.hostnames.empty() ? std::vector<std::string_view>{""} : route.hostnames;
  };
  for (const Route& route : routes) {
    if (!on_listener(route)) continue;
    for (const std::string_view hostname : hostnames(route)) {
      const auto rank = HostRank(hostname, request.host);
      if (rank && (!best_host || *rank > *best_host)) best_host = rank;
    }
  }
  std::string best;
  Rank best_rank;
  for (const Route& route : routes) {
    if (!on_listener(route)) continue;
    for (const std::string_view hostname : hostnames(route)) {
      if (!best_host || HostRank(hostname, request.host) != best_host) continue;
      for (const RouteMatch& match : route.matches) {
        if (!Fits(match, request)) continue;
        const Rank rank = RankOf(match, request);
        if (!best.empty() && (rank < best_rank || (rank == best_rank && best < route.name))) continue;
        best = route.name;
        best_rank = rank;
      }
    }
  }
  return best;
}

// ---- the same through the table -------------------------------------------------------------------------------------

inline ValueCondition MakeValueCondition(const Condition& condition) {
  ValueCondition made;
  made.name = condition.name;
  made.kind = condition.value ? ValueCondition::Kind::kExact : ValueCondition::Kind::kPresent;
  made.value = condition.value.value_or("");
  return made;
}

inline std::shared_ptr<const RouteRules> MakeRules(const Route& route) {
  static const auto* const kCompiled = [] {
    auto* compiled = new std::vector<std::shared_ptr<const Regex>>;
    for (const Pattern& pattern : kPatterns) compiled->push_back(Regex::Compile(pattern.text).value());
    return compiled;
  }();
  auto rules = std::make_shared<RouteRules>();
  rules->name = route.name;
  for (const std::string_view hostname : route.hostnames) {
    const HostKind kind = hostname.empty()             ? HostKind::kAny
                          : hostname.starts_with("*.") ? HostKind::kWildcard
                                                       : HostKind::kExact;
    rules->hostnames.push_back({kind, std::string(kind == HostKind::kWildcard ? hostname.substr(2) : hostname)});
  }
  if (rules->hostnames.empty()) rules->hostnames.resize(1);
  for (const RouteMatch& match : route.matches) {
    MatchRule& rule = rules->matches.emplace_back();
    rule.path_kind = match.kind;
    if (match.kind == PathKind::kExact) rule.path = match.path;
    if (match.kind == PathKind::kPrefix) rule.path = WithoutSlash(match.path);
    if (match.pattern != nullptr) rule.regex = (*kCompiled)[static_cast<size_t>(match.pattern - kPatterns.data())];
    rule.method = match.method;
    for (const Condition& header : match.headers) rule.headers.push_back(MakeValueCondition(header));
    for (const Condition& parameter : match.query) rule.query.push_back(MakeValueCondition(parameter));
  }
  return rules;
}

// Builds a table from the bytes and asks it and the naive matcher. Nothing when they agree, else what differs.
inline std::optional<std::string> Disagreement(std::span<const uint8_t> input) {
  Bytes bytes(input);
  std::vector<Route> routes(bytes.Below(24));
  std::vector<RoutePolicy> policies(routes.size());
  RouteTableBuilder builder(kListeners);
  for (size_t i = 0; i < routes.size(); ++i) {
    routes[i] = MakeRoute(bytes, i);
    policies[i].name = routes[i].name;
    builder.Add(static_cast<uint32_t>(i), policies[i], MakeRules(routes[i]), routes[i].listeners);
  }
  const RouteTable table = builder.Build();
  base::SlabPool pool;
  base::Arena arena(pool);
  while (!bytes.empty()) {
    arena.Reset();
    const Request request = MakeRequest(bytes);
    http::RequestHead head(arena);
    head.method = request.method;
    head.host = head.authority = request.host;
    head.path = head.match_path = request.path;
    head.query = request.query;
    for (const auto& [name, value] : request.headers) head.headers.Add(http::HeaderId::kOther, name, value);
    const Match match = table.Find(request.listener, head);
    const std::string found = match.route == nullptr ? "" : match.route->name;
    const std::string expected = Naive(routes, request);
    if (found != expected) {
      return "host '" + std::string(request.host) + "' path '" + std::string(request.path) + "' query '" +
             std::string(request.query) + "' listener " + std::to_string(request.listener) + ": found '" + found +
             "', expected '" + expected + "'";
    }
    if (match.route != nullptr && match.route != &policies[match.route_index]) return "the index is another route's";
  }
  return std::nullopt;
}

}  // namespace headgate::routing::reference
