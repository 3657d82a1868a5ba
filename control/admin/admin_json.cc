#include "control/admin/admin_json.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/json/json.h"
#include "control/reload_text.h"
#include "control/route_origins.h"
#include "routing/explain_words.h"

namespace headgate::control {
namespace {

using base::json::Array;
using base::json::Object;

std::string_view OutcomeName(const ReloadReport& report) {
  if (report.in_part) return "applied in part: bad configuration";
  switch (report.outcome) {
    case ReloadOutcome::kApplied:
      return "applied";
    case ReloadOutcome::kConfiguration:
      return "bad configuration";
    case ReloadOutcome::kAddress:
      return "address not available";
    case ReloadOutcome::kRefused:
      return "refused";
  }
  return "";
}

std::string_view StatusName(config::UnitStatus status) {
  switch (status) {
    case config::UnitStatus::kAccepted:
      return "accepted";
    case config::UnitStatus::kKept:
      return "kept at its last good content";
    case config::UnitStatus::kLeftOut:
      return "left out";
  }
  return "";
}

Object ReloadObject(const ReloadReport& report) {
  Object all;
  all["ok"] = report.ok();
  all["outcome"] = OutcomeName(report);
  all["hash"] = report.hash;
  all["generation"] = report.generation;
  all["at"] = TimeText(report.at);
  all["tookMilliseconds"] = std::chrono::duration<double, std::milli>(report.took).count();
  all["problems"] = report.problems;
  Array files;
  for (const UnitState& unit : report.units) {
    files.push_back(Object({{"name", unit.id}, {"status", StatusName(unit.status)}}));
  }
  all["files"] = std::move(files);
  return all;
}

Object ActionObject(const routing::RoutePolicy& route) {
  Object action;
  if (const auto* forward = std::get_if<routing::ForwardAction>(&route.action)) {
    Array backends;
    for (const routing::Backend& backend : forward->backends) {
      backends.push_back(Object({{"upstream", backend.name}, {"weight", backend.weight}}));
    }
    action["backends"] = std::move(backends);
  } else if (const auto* redirect = std::get_if<routing::RedirectAction>(&route.action)) {
    action["redirect"] = redirect->status;
  } else if (const auto* respond = std::get_if<routing::RespondAction>(&route.action)) {
    action["respond"] = respond->status;
  }
  return action;
}

Array Hostnames(const routing::RouteRules& rules) {
  Array names;
  for (const routing::HostName& host : rules.hostnames) names.emplace_back(routing::DescribeHost(host.kind, host.text));
  return names;
}

Array Matches(const routing::RouteRules& rules) {
  Array matches;
  for (const routing::MatchRule& match : rules.matches) matches.emplace_back(routing::DescribeMatch(match));
  return matches;
}

Array EndpointArray(const proxy::EndpointSet& set, base::Instant now) {
  Array endpoints;
  for (const proxy::Endpoint& endpoint : set.endpoints) {
    Object item;
    item["address"] = endpoint.shared->text;
    item["weight"] = endpoint.weight;
    item["state"] = endpoint.shared->IsAside(now) ? "set aside" : "healthy";
    item["activeRequests"] = endpoint.shared->active.load(std::memory_order_relaxed);
    endpoints.push_back(std::move(item));
  }
  return endpoints;
}

void AddNameState(const dns::NameState& state, Object& item) {
  if (state.resolved) item["resolved"] = TimeText(*state.resolved);
  if (!state.problem.empty()) item["problem"] = state.problem;
}

// `problem`: why its files cannot be used any more; empty: they can.
Object CertificateObject(const std::string& listener, const proxy::net::CertificateInfo& info,
                         const std::string& problem) {
  Object item;
  item["listener"] = listener;
  item["certFile"] = info.cert_file;
  Array names;
  for (const std::string& name : info.names) names.emplace_back(name);
  item["names"] = std::move(names);
  item["subject"] = info.subject;
  item["issuer"] = info.issuer;
  item["fingerprintSha256"] = info.fingerprint_sha256;
  item["notBefore"] = TimeText(info.not_before);
  item["notAfter"] = TimeText(info.not_after);
  item["expired"] = info.expired;
  item["usable"] = problem.empty();
  if (!problem.empty()) item["problem"] = problem;
  return item;
}

}  // namespace

std::string ConfigJson(const InForce& in_force, const ReloadReport* last_reload) {
  Object all;
  all["hash"] = in_force.snapshot->hash;
  all["generation"] = in_force.snapshot->generation;
  all["since"] = TimeText(in_force.since);
  Array files;
  for (const config::Unit& unit : in_force.units) {
    Object item({{"name", unit.id}, {"text", unit.text.value()}});
    if (unit.origin != nullptr) item["origin"] = unit.origin->document;
    files.push_back(std::move(item));
  }
  all["files"] = std::move(files);
  if (last_reload != nullptr) all["lastReload"] = ReloadObject(*last_reload);
  return base::json::SerializePretty(all);
}

std::string RoutesJson(const InForce& in_force) {
  const routing::Compiled& compiled = *in_force.snapshot->compiled;
  const RouteOrigins origins = OriginsOf(compiled, in_force.places);
  Array routes;
  for (size_t i = 0; i < compiled.routes.size(); ++i) {
    Object item;
    item["name"] = compiled.routes[i]->name;
    if (const auto origin = OriginOf(origins, compiled.routes[i]->name); !origin.empty()) item["origin"] = origin;
    item["hostnames"] = Hostnames(*compiled.rules[i]);
    item["matches"] = Matches(*compiled.rules[i]);
    item["action"] = ActionObject(*compiled.routes[i]);
    routes.push_back(std::move(item));
  }
  return base::json::SerializePretty(Object({{"routes", std::move(routes)}}));
}

std::string UpstreamsJson(const InForce& in_force, const EndpointsOf& published, const NamesOf& names,
                          base::Instant now) {
  Array upstreams;
  for (const proxy::UpstreamRuntime& upstream : in_force.snapshot->upstreams) {
    Object item;
    item["name"] = upstream.policy->name;
    if (!upstream.policy->dns_host.empty()) {
      item["address"] = absl::StrCat(upstream.policy->dns_host, ":", upstream.policy->dns_port);
      AddNameState(names ? names(upstream.policy->name) : dns::NameState(), item);
    }
    item["connections"] = upstream.shared->connections.taken();
    item["requests"] = upstream.shared->requests.taken();
    item["pending"] = upstream.shared->pending.taken();
    const auto endpoints = EndpointsOfUpstream(upstream, published);
    item["endpoints"] = endpoints != nullptr ? EndpointArray(*endpoints, now) : Array();
    upstreams.push_back(std::move(item));
  }
  return base::json::SerializePretty(Object({{"upstreams", std::move(upstreams)}}));
}

std::string CertificatesJson(const proxy::Snapshot& snapshot) {
  Array certificates;
  for (const proxy::ListenerRuntime& listener : snapshot.listeners) {
    if (listener.certificates == nullptr) continue;
    const auto& infos = listener.certificates->infos();
    for (size_t i = 0; i < infos.size(); ++i) {
      certificates.push_back(CertificateObject(listener.policy->name, infos[i], listener.CertificateProblem(i)));
    }
  }
  return base::json::SerializePretty(Object({{"certificates", std::move(certificates)}}));
}

std::string ReloadJson(const ReloadReport& report) { return base::json::SerializePretty(ReloadObject(report)); }

std::string ErrorJson(std::string_view message) {
  return base::json::SerializePretty(Object({{"error", std::string(message)}}));
}

}  // namespace headgate::control
