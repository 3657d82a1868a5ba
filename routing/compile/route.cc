#include "routing/compile/route.h"

#include <utility>

#include "config/defaults.h"
#include "config/text.h"
#include "http/uri.h"
#include "routing/compile/path.h"
#include "routing/route_table_builder.h"
#include "routing/split.h"
#include "routing/words.h"

namespace headgate::routing {
namespace {

constexpr uint32_t kAllOfIt = 100;  // the weight of blueGreen's active side

RedirectAction CompileRedirect(const config::Redirect& written, config::DiagnosticList& diagnostics) {
  RedirectAction redirect;
  redirect.status = written.status ? written.status->value : config::defaults::kRedirectStatus;
  if (written.scheme) redirect.scheme = written.scheme->value;
  if (written.hostname) redirect.hostname = config::Lower(HostText(written.hostname->value));
  if (written.port) redirect.port = written.port->value;
  if (written.path) {
    redirect.path_kind = RedirectAction::Path::kReplace;
    redirect.path = OwnPath(*written.path, diagnostics);
  } else if (written.prefix) {
    redirect.path_kind = RedirectAction::Path::kReplacePrefix;
    redirect.path = OwnPath(*written.prefix, diagnostics);
  }
  return redirect;
}

RespondAction CompileRespond(const config::Respond& written) {
  RespondAction respond;
  respond.status = written.status.value;
  if (written.body) respond.body = written.body->value;
  for (const config::HeaderField& field : written.headers) respond.headers.set.push_back(CompileHeader(field));
  return respond;
}

}  // namespace

uint32_t RouteCompiler::IndexOf(std::string_view upstream) const {
  const auto found = upstreams_.find(upstream);
  return found == upstreams_.end() ? 0 : found->second;
}

std::string RouteCompiler::MatchPath(const config::Located<std::string>& path) {
  arena_.Reset();
  const std::optional<http::Target> target = NormalizePath(path, arena_, diagnostics_);
  return target ? std::string(target->match_path) : std::string();
}

HostName RouteCompiler::CompileHostName(const std::string& written) {
  if (written == "*") return {};
  HostName name{HostKind::kExact, written};
  if (written.starts_with("*.")) name = {HostKind::kWildcard, written.substr(2)};
  name.text = HostText(name.text);
  arena_.Reset();
  base::Result<http::Authority> authority = http::ParseAuthority(name.text, arena_);
  name.text = authority.ok() ? std::string(authority.value().host) : config::Lower(name.text);
  return name;
}

ValueCondition RouteCompiler::CompileCondition(const config::ValueMatch& match, bool of_header) {
  ValueCondition condition;
  condition.name = of_header ? config::Lower(match.name.value) : match.name.value;
  if (of_header) {
    condition.id = http::InternHeader(condition.name);
    if (condition.id != http::HeaderId::kHost) CheckSeen(match.name, condition.id, diagnostics_);
  }
  switch (match.kind) {
    case config::ValueMatchKind::kExact:
      condition.kind = ValueCondition::Kind::kExact;
      condition.value = match.value.value;
      break;
    case config::ValueMatchKind::kRegex:
      condition.kind = ValueCondition::Kind::kRegex;
      condition.regex = regexes_.Get(match.value);
      break;
    case config::ValueMatchKind::kPresent:
      condition.kind = ValueCondition::Kind::kPresent;
      break;
  }
  return condition;
}

ForceCondition RouteCompiler::CompileForce(const config::Force& force) {
  const bool cookie = force.by == config::ForceBy::kCookie;
  return {cookie, CompileCondition(force.match, !cookie)};
}

void RouteCompiler::CompilePath(const config::PathMatch& path, MatchRule& rule) {
  if (path.value.value.empty()) return;  // not decoded, which was reported
  switch (path.kind) {
    case config::PathMatchKind::kExact:
      rule.path_kind = PathKind::kExact;
      rule.path = MatchPath(path.value);
      break;
    case config::PathMatchKind::kPrefix:
      rule.path_kind = PathKind::kPrefix;
      rule.path = MatchPath(path.value);
      while (rule.path.ends_with('/')) rule.path.pop_back();
      if (CountSegments(rule.path) <= kPrefixSegmentsMax) break;
      diagnostics_.Error(config::Code::kBadPath, path.value.at,
                         Words("a prefix has at most ", kPrefixSegmentsMax, " segments"));
      break;
    case config::PathMatchKind::kRegex:
      rule.path_kind = PathKind::kRegex;
      rule.regex = regexes_.GetForPath(path.value);
      break;
  }
}

MatchRule RouteCompiler::CompileMatch(const config::RouteMatch& match) {
  MatchRule rule;
  if (match.path) CompilePath(*match.path, rule);
  if (match.method) rule.method = CompileMethod(*match.method, diagnostics_);
  for (const config::ValueMatch& header : match.headers) rule.headers.push_back(CompileCondition(header, true));
  for (const config::ValueMatch& parameter : match.query_params) {
    rule.query.push_back(CompileCondition(parameter, false));
  }
  return rule;
}

std::shared_ptr<const RouteRules> RouteCompiler::CompileRules(const config::Route& route) {
  auto rules = std::make_shared<RouteRules>();
  rules->name = route.name.value;
  rules->hostnames.reserve(route.hostnames.size());
  for (const auto& hostname : route.hostnames) rules->hostnames.push_back(CompileHostName(hostname.value));
  if (rules->hostnames.empty()) rules->hostnames.resize(1);
  rules->matches.reserve(route.matches.size());
  for (const config::RouteMatch& match : route.matches) rules->matches.push_back(CompileMatch(match));
  if (rules->matches.empty()) rules->matches.resize(1);
  return rules;
}

Backend RouteCompiler::CompileBackend(const std::string& upstream, uint32_t weight) const {
  return {IndexOf(upstream), upstream, BackendNameHash(upstream), weight, {}};
}

ForwardAction RouteCompiler::CompileBlueGreen(const config::BlueGreen& written) {
  const bool blue_active = written.active.value == config::Colour::kBlue;
  ForwardAction forward;
  forward.backends.push_back(CompileBackend(written.blue.value, blue_active ? kAllOfIt : 0));
  forward.backends.push_back(CompileBackend(written.green.value, blue_active ? 0 : kAllOfIt));
  if (written.preview) forward.backends[blue_active ? 1 : 0].force.push_back(CompileForce(*written.preview));
  return forward;
}

ForwardAction RouteCompiler::CompileForward(const config::Route& route) {
  if (route.blue_green) return CompileBlueGreen(*route.blue_green);
  ForwardAction forward;
  forward.backends.reserve(route.backends.size());
  for (const config::Backend& written : route.backends) {
    const uint32_t weight = written.weight ? written.weight->value : config::defaults::kBackendWeight;
    Backend& backend = forward.backends.emplace_back(CompileBackend(written.upstream.value, weight));
    for (const config::Force& force : written.force) backend.force.push_back(CompileForce(force));
  }
  return forward;
}

std::shared_ptr<const RoutePolicy> RouteCompiler::CompilePolicy(const config::Route& route) {
  Policies policies = CompilePolicies(route.policy, defaults_, regexes_, diagnostics_);
  auto policy = std::make_shared<RoutePolicy>();
  policy->name = route.name.value;
  if (route.redirect) {
    policy->action = CompileRedirect(*route.redirect, diagnostics_);
  } else if (route.respond) {
    policy->action = CompileRespond(*route.respond);
  } else {
    ForwardAction forward = CompileForward(route);
    forward.sticky = std::move(policies.sticky);
    policy->action = std::move(forward);
  }
  policy->timeouts = policies.timeouts;
  policy->retry = policies.retry;
  policy->max_body_bytes = policies.max_body_bytes;
  policy->websocket = policies.websocket;
  policy->request_headers = std::move(policies.request_headers);
  policy->response_headers = std::move(policies.response_headers);
  policy->rewrite = std::move(policies.rewrite);
  policy->access = std::move(policies.access);
  policy->rate_limit = std::move(policies.rate_limit);
  return policy;
}

std::shared_ptr<const RoutePolicy> RouteCompiler::WithPresentUpstreams(
    std::shared_ptr<const RoutePolicy> policy) const {
  const auto* forward = std::get_if<ForwardAction>(&policy->action);
  if (forward == nullptr) return policy;
  bool moved = false;
  for (const Backend& backend : forward->backends) moved = moved || backend.upstream != IndexOf(backend.name);
  if (!moved) return policy;
  auto copy = std::make_shared<RoutePolicy>(*policy);
  for (Backend& backend : std::get<ForwardAction>(copy->action).backends) backend.upstream = IndexOf(backend.name);
  return copy;
}

}  // namespace headgate::routing
