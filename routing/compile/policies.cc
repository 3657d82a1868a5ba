#include "routing/compile/policies.h"

#include <algorithm>
#include <string>

#include "config/defaults.h"
#include "config/text.h"
#include "http/header_traits.h"
#include "routing/compile/path.h"
#include "routing/words.h"

namespace headgate::routing {
namespace {

using config::Located;
using config::Setting;
namespace defaults = config::defaults;

TimeoutsPolicy CompileTimeouts(const Setting<config::Timeouts>& written) {
  constexpr base::Duration kNone{0};
  if (written.IsNone()) return {kNone, kNone, kNone, kNone, kNone};
  TimeoutsPolicy timeouts;
  timeouts.request = CompileDuration(written->request, defaults::kRequestTimeout);
  timeouts.backend_request = CompileDuration(written->backend_request, defaults::kBackendRequestTimeout);
  timeouts.idle = CompileDuration(written->idle, defaults::kIdleTimeout);
  // Who gives an attempt five minutes means it: a default does not take them back.
  const bool attempt_bound = timeouts.backend_request.count() > 0;
  timeouts.head_idle = attempt_bound && written->idle.IsAbsent() ? base::Duration(0) : timeouts.idle;
  timeouts.tunnel_idle = written->idle.IsAbsent() ? defaults::kTunnelIdleTimeout : timeouts.idle;
  return timeouts;
}

void AddRetryCondition(const config::RetryOn& on, RetryPolicy& retry) {
  switch (on.condition) {
    case config::RetryCondition::kConnectFailure:
      retry.on_connect_failure = true;
      break;
    case config::RetryCondition::kReset:
      retry.on_reset = true;
      break;
    case config::RetryCondition::kTimeout:
      retry.on_timeout = true;
      break;
    case config::RetryCondition::kStatus:
      if (on.status < retry.on_status.size()) retry.on_status.set(on.status);
      break;
  }
}

RetryPolicy BuiltInRetry() {
  RetryPolicy retry;
  retry.attempts = defaults::kRetryAttempts;
  retry.backoff = defaults::kRetryBackoff;
  retry.budget_ppm = defaults::kRetryBudgetPpm;
  for (const auto method : {http::Method::kGet, http::Method::kHead, http::Method::kOptions, http::Method::kQuery}) {
    retry.methods.set(static_cast<size_t>(method));
  }
  return retry;
}

RetryPolicy CompileRetry(const Setting<config::Retry>& written, config::DiagnosticList& diagnostics) {
  RetryPolicy retry = BuiltInRetry();
  if (written.IsNone()) {
    retry.attempts = 0;
    retry.on_connect_failure = retry.on_reset = false;
    return retry;
  }
  if (written->attempts) retry.attempts = static_cast<uint8_t>(std::min<uint32_t>(written->attempts->value, 255));
  if (!written->on.empty()) {
    retry.on_connect_failure = retry.on_reset = false;
    for (const config::RetryOn& on : written->on) AddRetryCondition(on, retry);
  }
  if (!written->methods.empty()) {
    retry.methods.reset();
    for (const Located<std::string>& name : written->methods) {
      if (const auto method = CompileMethod(name, diagnostics)) retry.methods.set(static_cast<size_t>(*method));
    }
  }
  if (written->backoff) retry.backoff = written->backoff->value;
  if (written->budget) retry.budget_ppm = written->budget->value.ppm;
  return retry;
}

HeaderChanges CompileChanges(const Setting<config::HeaderChanges>& written) {
  HeaderChanges changes;
  if (written.IsNone()) return changes;
  for (const config::HeaderField& field : written->set) changes.set.push_back(CompileHeader(field));
  for (const config::HeaderField& field : written->add) changes.add.push_back(CompileHeader(field));
  for (const Located<std::string>& name : written->remove) changes.remove.push_back(CompileHeader({name, {}}));
  return changes;
}

StickyPolicy CompileSticky(const Setting<config::Sticky>& written, config::DiagnosticList& diagnostics) {
  StickyPolicy sticky;
  if (written.IsNone()) return sticky;
  switch (written->by.value) {
    case config::StickyBy::kCookie:
      sticky.by = StickyPolicy::By::kCookie;
      if (written->name) sticky.name = written->name->value;
      break;
    case config::StickyBy::kHeader:
      sticky.by = StickyPolicy::By::kHeader;
      if (written->header) sticky.name = config::Lower(written->header->value);
      sticky.header_id = http::InternHeader(sticky.name);
      if (written->header) CheckSeen(*written->header, sticky.header_id, diagnostics);
      break;
    case config::StickyBy::kClientIp:
      sticky.by = StickyPolicy::By::kClientIp;
      break;
  }
  if (written->ttl) sticky.ttl = written->ttl->value;
  if (written->strict) sticky.strict = written->strict->value;
  return sticky;
}

void CheckNoQuery(const Located<std::string>& text, config::DiagnosticList& diagnostics) {
  if (text.value.find_first_of("?#") == std::string::npos) return;
  diagnostics.Error(config::Code::kBadPath, text.at, "a rewrite changes the path, not the query: no '?' or '#' in it");
}

RewritePolicy CompileRewrite(const Setting<config::Rewrite>& written, RegexPool& regexes,
                             config::DiagnosticList& diagnostics) {
  RewritePolicy rewrite;
  if (written.IsNone()) return rewrite;
  if (written->hostname) rewrite.hostname = HostText(written->hostname->value);
  if (written->prefix) {
    rewrite.kind = RewritePolicy::Kind::kPrefix;
    rewrite.replacement = OwnPath(*written->prefix, diagnostics);
  }
  if (written->path) {
    rewrite.kind = RewritePolicy::Kind::kPath;
    rewrite.replacement = OwnPath(*written->path, diagnostics);
  }
  if (!written->regex) return rewrite;
  rewrite.kind = RewritePolicy::Kind::kRegex;
  if (written->substitution) {
    CheckNoQuery(*written->substitution, diagnostics);
    rewrite.replacement = written->substitution->value;
  }
  rewrite.regex = regexes.GetForPath(*written->regex);
  if (rewrite.regex == nullptr) return rewrite;
  if (const absl::Status status = rewrite.regex->CheckSubstitution(rewrite.replacement); !status.ok()) {
    diagnostics.Error(config::Code::kBadRegex, written->substitution ? written->substitution->at : written->regex->at,
                      Words("the substitution does not fit the regular expression: ", status.message()));
  }
  return rewrite;
}

AccessPolicy CompileAccess(const Setting<config::Access>& written) {
  if (written.IsNone()) return {};
  return {CompileCidrs(written->allow), CompileCidrs(written->deny), written->has_allow};
}

RateLimitPolicy CompileRateLimit(const Setting<config::RateLimit>& written, config::DiagnosticList& diagnostics) {
  RateLimitPolicy limit;
  if (written.IsNone()) return limit;
  limit.requests = written->requests.value;
  limit.per = written->per ? written->per->value : defaults::kRateLimitPer;
  limit.burst = written->burst ? written->burst->value : limit.requests;
  if (written->by) limit.by = static_cast<RateLimitPolicy::By>(written->by->value);
  if (written->header) {
    limit.header = config::Lower(written->header->value);
    limit.header_id = http::InternHeader(limit.header);
    CheckSeen(*written->header, limit.header_id, diagnostics);
  }
  limit.except = CompileCidrs(written->except);
  limit.dry_run = written->dry_run && written->dry_run->value;
  return limit;
}

}  // namespace

std::optional<http::Method> CompileMethod(const Located<std::string>& written, config::DiagnosticList& diagnostics) {
  const auto method = http::ParseMethod(written.value);
  if (method.has_value()) return method;
  std::vector<std::string_view> known;
  for (size_t i = 0; i < http::kMethodCount; ++i) {
    const auto one = static_cast<http::Method>(i);
    if (one != http::Method::kConnect && one != http::Method::kTrace) known.push_back(http::MethodName(one));
  }
  diagnostics.Error(config::Code::kBadMethod, written.at,
                    Words("no request has the method ", config::Quoted(written.value)),
                    config::DidYouMean(written.value, known));
  return std::nullopt;
}

std::string HostText(const std::string& written) {
  const bool bare_ipv6 = written.find(':') != std::string::npos && !written.starts_with('[');
  return bare_ipv6 ? "[" + written + "]" : written;
}

void CheckSeen(const Located<std::string>& header, http::HeaderId id, config::DiagnosticList& diagnostics) {
  switch (http::TraitsOf(id).rule) {
    case http::FieldRule::kKeep:
    case http::FieldRule::kContentType:
    case http::FieldRule::kWebSocketKey:
    case http::FieldRule::kWebSocketVersion:
      return;
    case http::FieldRule::kMaybeImitation:
      if (!http::ImitatesOurField(config::Lower(header.value))) return;
      break;
    case http::FieldRule::kHost:
    case http::FieldRule::kContentLength:
    case http::FieldRule::kTransferEncoding:
    case http::FieldRule::kConnection:
    case http::FieldRule::kHop:
    case http::FieldRule::kUpgrade:
    case http::FieldRule::kTe:
    case http::FieldRule::kExpect:
      break;
  }
  diagnostics.Error(
      config::Code::kReservedHeader, header.at,
      Words("header ", config::Quoted(header.value), " is taken out before routes are chosen: none has it"));
}

HeaderChange CompileHeader(const config::HeaderField& field) {
  std::string name = config::Lower(field.name.value);
  return {http::InternHeader(name), std::move(name), field.value.value};
}

std::vector<base::Cidr> CompileCidrs(const std::vector<Located<base::Cidr>>& blocks) {
  std::vector<base::Cidr> compiled;
  compiled.reserve(blocks.size());
  for (const Located<base::Cidr>& block : blocks) compiled.push_back(block.value);
  return compiled;
}

base::Duration CompileDuration(const Setting<config::Duration>& setting, base::Duration absent) {
  const base::Duration value = setting.ValueOr(absent, base::Duration(0));
  return value == defaults::kNever ? base::Duration(0) : value;
}

Policies BuiltInPolicies() {
  Policies policies;
  policies.retry = BuiltInRetry();
  policies.websocket = defaults::kWebsocket;
  return policies;
}

Policies CompilePolicies(const config::RoutePolicy& written, const Policies& otherwise, RegexPool& regexes,
                         config::DiagnosticList& diagnostics) {
  Policies policies = otherwise;
  if (!written.sticky.IsAbsent()) policies.sticky = CompileSticky(written.sticky, diagnostics);
  if (!written.timeouts.IsAbsent()) policies.timeouts = CompileTimeouts(written.timeouts);
  if (!written.retry.IsAbsent()) policies.retry = CompileRetry(written.retry, diagnostics);
  if (!written.max_body_size.IsAbsent()) policies.max_body_bytes = written.max_body_size.ValueOr(0, 0);
  if (!written.websocket.IsAbsent()) policies.websocket = written.websocket.ValueOr(true, false);
  if (!written.request_headers.IsAbsent()) policies.request_headers = CompileChanges(written.request_headers);
  if (!written.response_headers.IsAbsent()) policies.response_headers = CompileChanges(written.response_headers);
  if (!written.rewrite.IsAbsent()) policies.rewrite = CompileRewrite(written.rewrite, regexes, diagnostics);
  if (!written.access.IsAbsent()) policies.access = CompileAccess(written.access);
  if (!written.rate_limit.IsAbsent()) policies.rate_limit = CompileRateLimit(written.rate_limit, diagnostics);
  return policies;
}

}  // namespace headgate::routing
