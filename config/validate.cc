#include "config/validate.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>

#include "config/text.h"

namespace headgate::config {
namespace {

constexpr size_t kRespondBodyBytesMax = 64 * 1024;

// Fields of framing and of the connection: written by headgate from its own model (http.md).
constexpr std::array<std::string_view, 10> kOwnHeaders = {
    "connection", "content-length",    "expect",  "keep-alive",    "proxy-connection", "te",
    "trailer",    "transfer-encoding", "upgrade", "http2-settings"};

void CheckOwnHeader(const Located<std::string>& name, bool request, DiagnosticList& diagnostics) {
  const std::string lower = Lower(name.value);
  if (std::find(kOwnHeaders.begin(), kOwnHeaders.end(), lower) != kOwnHeaders.end()) {
    diagnostics.Error(Code::kReservedHeader, name.at, "header " + Quoted(name.value) + " is headgate's own to write");
  } else if (request && lower == "host") {
    diagnostics.Error(Code::kReservedHeader, name.at, "header 'host' is not changed here",
                      "use rewrite: {hostname: ...}");
  }
}

void CheckFields(const std::vector<HeaderField>& fields, bool request, DiagnosticList& diagnostics) {
  std::unordered_map<std::string, const Located<std::string>*> seen;
  for (const HeaderField& field : fields) {
    CheckOwnHeader(field.name, request, diagnostics);
    const auto [first, added] = seen.emplace(Lower(field.name.value), &field.name);
    // The reader has reported a key that is given twice to the letter.
    if (added || first->second->value == field.name.value) continue;
    diagnostics.Error(Code::kDuplicateKey, field.name.at,
                      "header " + Quoted(field.name.value) + " is given twice: upper and lower case are the same",
                      "first given at", first->second->at);
  }
}

void CheckChanges(const Setting<HeaderChanges>& changes, bool request, DiagnosticList& diagnostics) {
  if (!changes.HasValue()) return;
  CheckFields(changes->set, request, diagnostics);
  CheckFields(changes->add, request, diagnostics);
  for (const Located<std::string>& name : changes->remove) CheckOwnHeader(name, request, diagnostics);
}

void CheckSticky(const Sticky& sticky, const Position& at, const std::string& owner, DiagnosticList& diagnostics) {
  if (!sticky.by.at.IsWritten()) return;
  const bool by_cookie = sticky.by.value == StickyBy::kCookie;
  if (by_cookie && !sticky.name) {
    diagnostics.Error(Code::kBadSticky, at, owner + " is sticky by cookie and needs the cookie's 'name'");
  }
  if (!by_cookie && sticky.name) {
    diagnostics.Warning(Code::kNoEffect, sticky.name->at, "'name' has no effect without `by: cookie`");
  }
  if (!by_cookie && sticky.ttl) {
    diagnostics.Warning(Code::kNoEffect, sticky.ttl->at, "'ttl' has no effect without `by: cookie`");
  }
}

// A method that is not idempotent is sent again after it was sent only where the operator names it.
void CheckRetry(const Retry& retry, DiagnosticList& diagnostics) {
  const bool after_sending = std::any_of(retry.on.begin(), retry.on.end(), [](const RetryOn& on) {
    return on.condition != RetryCondition::kConnectFailure;
  });
  for (const Located<std::string>& method : retry.methods) {
    if (method.value != "POST" && method.value != "PATCH") continue;
    if (after_sending) {
      diagnostics.Warning(Code::kUnsafe, method.at,
                          "one " + Quoted(method.value) + " of a client may be carried out more than once");
    } else {
      diagnostics.Warning(
          Code::kNoEffect, method.at,
          Quoted(method.value) + " in 'methods' has no effect: it is repeated only if nothing of it was sent");
    }
  }
}

void CheckBackends(const Route& route, DiagnosticList& diagnostics) {
  std::unordered_map<std::string_view, Position> seen;
  bool any_weight = route.backends.empty();
  for (const Backend& backend : route.backends) {
    any_weight = any_weight || !backend.weight || backend.weight->value > 0;
    const auto [first, added] = seen.emplace(backend.upstream.value, backend.upstream.at);
    if (added || backend.upstream.value.empty()) continue;
    diagnostics.Error(Code::kDuplicateName, backend.upstream.at,
                      "route " + Quoted(route.name.value) + " sends to " + Quoted(backend.upstream.value) + " twice",
                      "first at", first->second);
  }
  if (!any_weight) {
    diagnostics.Warning(
        Code::kAllWeightsZero, route.backends_at,
        "all weights of route " + Quoted(route.name.value) + " are 0: it answers 500 but for forced requests");
  }
}

void CheckBlueGreen(const BlueGreen& blue_green, DiagnosticList& diagnostics) {
  if (blue_green.blue.value != blue_green.green.value || blue_green.blue.value.empty()) return;
  diagnostics.Error(Code::kBadBlueGreen, blue_green.green.at,
                    "'blue' and 'green' are both " + Quoted(blue_green.green.value), "the other is at",
                    blue_green.blue.at);
}

void CheckRedirect(const Redirect& redirect, DiagnosticList& diagnostics) {
  if (redirect.hostname || redirect.scheme || redirect.path || redirect.prefix || redirect.port) return;
  diagnostics.Error(Code::kExclusiveKeys, redirect.at,
                    "redirect needs one of 'hostname', 'scheme', 'path', 'prefix', 'port': it would lead to itself");
}

void CheckRespond(const Respond& respond, DiagnosticList& diagnostics) {
  CheckFields(respond.headers, false, diagnostics);
  if (!respond.body) return;
  if (respond.body->value.size() > kRespondBodyBytesMax) {
    diagnostics.Error(Code::kOutOfRange, respond.body->at, "'body' must be at most 64KiB");
  }
  const uint16_t status = respond.status.value;
  if ((status == 204 || status == 304) && !respond.body->value.empty()) {
    diagnostics.Warning(Code::kNoEffect, respond.body->at, "a response with this status has no body");
  }
}

// h2 is HTTP/2 over TLS, h2c without (RFC 9113 3.1).
void CheckProtocol(const Upstream& upstream, DiagnosticList& diagnostics) {
  if (!upstream.protocol) return;
  const std::string name = "upstream " + Quoted(upstream.name.value);
  if (upstream.protocol->value == Protocol::kH2 && !upstream.tls) {
    diagnostics.Error(Code::kExclusiveKeys, upstream.protocol->at, name + " speaks h2 and needs 'tls'",
                      "without TLS it is h2c");
  } else if (upstream.protocol->value == Protocol::kH2c && upstream.tls) {
    diagnostics.Error(Code::kExclusiveKeys, upstream.protocol->at, name + " speaks h2c and has no 'tls'",
                      "with TLS it is h2; tls is at", upstream.tls->at);
  }
}

}  // namespace

void ValidatePolicy(const RoutePolicy& policy, const std::string& owner, DiagnosticList& diagnostics) {
  if (policy.sticky.HasValue()) CheckSticky(*policy.sticky, policy.sticky.at(), owner, diagnostics);
  if (policy.retry.HasValue()) CheckRetry(*policy.retry, diagnostics);
  CheckChanges(policy.request_headers, true, diagnostics);
  CheckChanges(policy.response_headers, false, diagnostics);
}

void ValidateRoute(const Route& route, DiagnosticList& diagnostics) {
  ValidatePolicy(route.policy, "route " + Quoted(route.name.value), diagnostics);
  CheckBackends(route, diagnostics);
  if (route.blue_green) CheckBlueGreen(*route.blue_green, diagnostics);
  if (route.respond) CheckRespond(*route.respond, diagnostics);
  if (route.redirect) CheckRedirect(*route.redirect, diagnostics);
  const Setting<Rewrite>& rewrite = route.policy.rewrite;
  if (rewrite.HasValue() && (route.redirect || route.respond)) {
    diagnostics.Warning(Code::kNoEffect, rewrite.at(), "'rewrite' has no effect: no upstream sees the request");
  }
}

void ValidateUpstream(const Upstream& upstream, DiagnosticList& diagnostics) {
  CheckProtocol(upstream, diagnostics);
  std::unordered_map<std::string, Position> seen;
  for (const Endpoint& endpoint : upstream.endpoints) {
    const auto [first, added] = seen.emplace(endpoint.address.value.ToString(), endpoint.address.at);
    if (added) continue;
    diagnostics.Error(
        Code::kSameAddress, endpoint.address.at,
        "upstream " + Quoted(upstream.name.value) + " has the endpoint " + Quoted(first->first) + " twice", "first at",
        first->second);
  }
  if (upstream.tls && upstream.tls->verify && !upstream.tls->verify->value) {
    diagnostics.Warning(Code::kUnsafe, upstream.tls->verify->at,
                        "anybody on the way may pretend to be upstream " + Quoted(upstream.name.value));
  }
}

void ValidateUnit(const Model& unit, DiagnosticList& diagnostics) {
  ValidateProcess(unit, diagnostics);
  ValidatePolicy(unit.defaults, "'defaults'", diagnostics);
  for (const auto& upstream : unit.upstreams) ValidateUpstream(*upstream, diagnostics);
  std::unordered_map<std::string_view, Position> names;
  names.reserve(unit.routes.size());
  for (const auto& route : unit.routes) {
    ValidateRoute(*route, diagnostics);
    if (route->name.value.empty()) continue;
    const auto [first, added] = names.emplace(route->name.value, route->name.at);
    if (added) continue;
    diagnostics.Error(Code::kDuplicateName, route->name.at, "a second route is named " + Quoted(route->name.value),
                      "the first is at", first->second);
  }
}

}  // namespace headgate::config
