// Compiles what `defaults` and every route may say, with defaults filled in.
// Pure; the result is a value.
// Control thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/diagnostic.h"
#include "config/model.h"
#include "http/method.h"
#include "routing/compile/regex_pool.h"
#include "routing/policy/route.h"

namespace headgate::routing {

struct Policies {
  StickyPolicy sticky;
  TimeoutsPolicy timeouts;
  RetryPolicy retry;
  uint64_t max_body_bytes = 0;
  bool websocket = true;
  HeaderChanges request_headers;
  HeaderChanges response_headers;
  RewritePolicy rewrite;
  AccessPolicy access;
  RateLimitPolicy rate_limit;
  bool operator==(const Policies&) const = default;
};

// The policies of a route with nothing written anywhere.
Policies BuiltInPolicies();
// A key that is written replaces the whole of `defaults`' one; `none` takes it away.
Policies CompilePolicies(const config::RoutePolicy& written, const Policies& defaults, RegexPool& regexes,
                         config::DiagnosticList& diagnostics);

// Nothing, and an error, where no request can have the method.
std::optional<http::Method> CompileMethod(const config::Located<std::string>& written,
                                          config::DiagnosticList& diagnostics);
// As an authority has it: an IPv6 address in brackets (RFC 3986 3.2.2).
std::string HostText(const std::string& written);
// An error where the wall of framing takes the header out of every request, so that no route sees it.
void CheckSeen(const config::Located<std::string>& header, http::HeaderId id, config::DiagnosticList& diagnostics);
HeaderChange CompileHeader(const config::HeaderField& field);
std::vector<base::Cidr> CompileCidrs(const std::vector<config::Located<base::Cidr>>& blocks);
// 0 for `none` and for what is absent and has no limit by default.
base::Duration CompileDuration(const config::Setting<config::Duration>& setting, base::Duration absent);

}  // namespace headgate::routing
