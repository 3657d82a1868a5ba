#include "control/explain_request.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/arena.h"
#include "base/crypto/random.h"
#include "base/json/json.h"
#include "base/slab.h"
#include "http/forwarding.h"
#include "http/h1/decoder.h"

namespace headgate::control {
namespace {

constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kHttpsPort = 443;

struct Url {
  bool tls = false;
  std::string authority;
  std::string target;
};

absl::StatusOr<Url> ParseUrl(const AskedRequest& asked) {
  Url url;
  if (asked.url == "*") {
    url.target = "*";
    return url;
  }
  std::string_view rest = asked.url;
  if (rest.starts_with("https://")) {
    url.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else if (!rest.starts_with('/')) {
    return absl::InvalidArgumentError(absl::StrCat("'", asked.url, "' is neither http://..., https://... nor a path"));
  }
  const size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
  url.authority = std::string(rest.substr(0, slash));
  url.target = std::string(rest.substr(slash, rest.find('#') - slash));
  if (!url.target.starts_with('/')) url.target = absl::StrCat("/", url.target);
  return url;
}

// Fields of which a request has one, put before those that were asked for.
std::string HeadText(const AskedRequest& asked, const Url& url) {
  std::string text = absl::StrCat(asked.method, " ", url.target, " HTTP/1.1\r\n");
  const bool has_host = std::any_of(asked.headers.begin(), asked.headers.end(),
                                    [](const auto& field) { return absl::EqualsIgnoreCase(field.first, "host"); });
  if (!has_host) absl::StrAppend(&text, "Host: ", url.authority.empty() ? "localhost" : url.authority, "\r\n");
  for (const auto& [name, value] : asked.headers) absl::StrAppend(&text, name, ": ", value, "\r\n");
  absl::StrAppend(&text, "\r\n");
  return text;
}

uint16_t PortOf(const Url& url) {
  const size_t colon = url.authority.rfind(':');
  const bool has_port = colon != std::string::npos && url.authority.find(']', colon) == std::string::npos;
  uint32_t port = 0;
  if (has_port && absl::SimpleAtoi(absl::string_view(url.authority).substr(colon + 1), &port))
    return static_cast<uint16_t>(port);
  return url.tls ? kHttpsPort : kHttpPort;
}

std::optional<uint32_t> ListenerFor(const routing::Compiled& compiled, const AskedRequest& asked, const Url& url) {
  const auto& listeners = compiled.listeners;
  const bool says_scheme = !url.authority.empty();
  const uint16_t port = PortOf(url);
  std::optional<uint32_t> by_scheme;
  for (uint32_t i = 0; i < listeners.size(); ++i) {
    if (!asked.listener.empty()) {
      if (listeners[i]->name == asked.listener) return i;
      continue;
    }
    if (!says_scheme) return i;
    if (listeners[i]->tls != url.tls) continue;
    if (listeners[i]->public_port == port || listeners[i]->address.port == port) return i;
    if (!by_scheme) by_scheme = i;
  }
  if (!asked.listener.empty() || listeners.empty()) return std::nullopt;
  return by_scheme.value_or(0);
}

}  // namespace

absl::StatusOr<routing::Explanation> ExplainRequest(const routing::Compiled& compiled, const AskedRequest& asked) {
  const auto url = ParseUrl(asked);
  if (!url.ok()) return url.status();
  const auto listener = ListenerFor(compiled, asked, *url);
  if (!listener) return absl::InvalidArgumentError(absl::StrCat("there is no listener '", asked.listener, "'"));
  base::SlabPool slabs;
  base::Arena arena(slabs);
  http::RequestHead head(arena);
  std::string text = HeadText(asked, *url);
  // Somebody's value with a line break in it would be another field.
  http::h1::HeadScanner scanner;
  if (scanner.Scan(text) != text.size()) return absl::InvalidArgumentError("a field holds a line break");
  const routing::ListenerPolicy& policy = *compiled.listeners[*listener];
  const auto scheme = policy.tls ? http::Scheme::kHttps : http::Scheme::kHttp;
  const auto decoded = http::h1::DecodeRequestHead({text.data(), text.size()}, {}, scheme, arena, head);
  if (!decoded.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("headgate refuses this request: ", decoded.error().detail));
  }
  const base::IpAddress client = http::ApplyForwarding(
      {.peer = asked.client, .trusted = compiled.trusted_proxies, .scheme = scheme, .public_port = policy.public_port},
      head);
  // As the proxy does before it looks for a route: who brings no id, or may not, gets a new one.
  std::array<char, 32> id{};
  if (head.headers.Get(http::HeaderId::kXRequestId).empty()) {
    base::RandomHex(id);
    head.headers.Set(http::HeaderId::kXRequestId, {id.data(), id.size()});
  }
  routing::Explanation explanation = routing::Explain(compiled, *listener, head, client);
  if (!url->authority.empty() && policy.tls != url->tls) {
    explanation.note = absl::StrCat("listener '", policy.name, "' takes ", policy.tls ? "https" : "http", ", not ",
                                    url->tls ? "https" : "http");
    if (asked.listener.empty())
      absl::StrAppend(&explanation.note, ": no listener ", url->tls ? "has" : "is without", " tls");
  }
  return explanation;
}

std::string ExplanationAsText(const routing::Explanation& explanation) {
  std::string text = absl::StrCat("listener  ", explanation.listener, "\n");
  if (!explanation.note.empty()) absl::StrAppend(&text, "note      ", explanation.note, "\n");
  if (!explanation.client.empty()) {
    absl::StrAppend(&text, "client    ", explanation.client, ", ", explanation.scheme, "\n");
  }
  if (explanation.route.empty()) {
    absl::StrAppend(&text, "route     none", explanation.rule.empty() ? ": 404" : "", "\n");
    if (!explanation.host_rule.empty()) absl::StrAppend(&text, "hostname  ", explanation.host_rule, "\n");
    if (!explanation.rule.empty()) {
      absl::StrAppend(&text, "rule      ", explanation.rule, "\naction    ", explanation.action, "\n");
    }
  } else {
    absl::StrAppend(&text, "hostname  ", explanation.host_rule, "\n");
    absl::StrAppend(&text, "route     ", explanation.route, "\n");
    absl::StrAppend(&text, "rule      ", explanation.rule, "\n");
    absl::StrAppend(&text, "action    ", explanation.action, "\n");
  }
  if (!explanation.upstream.empty()) absl::StrAppend(&text, "upstream  ", explanation.upstream, "\n");
  bool headline = false;
  for (const routing::Candidate& candidate : explanation.candidates) {
    if (candidate.won) continue;
    if (!std::exchange(headline, true)) absl::StrAppend(&text, "\nother candidates\n");
    absl::StrAppend(&text, "  ", candidate.route, " (", candidate.rule, "): ", candidate.reason, "\n");
  }
  if (explanation.candidates_left_out > 0) absl::StrAppend(&text, "  and ", explanation.candidates_left_out, " more\n");
  if (explanation.routes_of_other_hosts > 0) {
    absl::StrAppend(&text, "\n", explanation.routes_of_other_hosts, " routes of other hostnames were not looked at\n");
  }
  return text;
}

std::string ExplanationAsJson(const routing::Explanation& explanation) {
  base::json::Array candidates;
  for (const routing::Candidate& candidate : explanation.candidates) {
    base::json::Object item;
    item["route"] = candidate.route;
    item["rule"] = candidate.rule;
    item["won"] = candidate.won;
    item["reason"] = candidate.reason;
    candidates.push_back(std::move(item));
  }
  base::json::Object all;
  all["listener"] = explanation.listener;
  all["note"] = explanation.note;
  all["client"] = explanation.client;
  all["scheme"] = explanation.scheme;
  all["hostname"] = explanation.host_rule;
  all["route"] = explanation.route;
  all["rule"] = explanation.rule;
  all["action"] = explanation.action;
  all["upstream"] = explanation.upstream;
  all["candidates"] = std::move(candidates);
  all["candidatesLeftOut"] = explanation.candidates_left_out;
  all["routesOfOtherHosts"] = explanation.routes_of_other_hosts;
  return base::json::SerializePretty(all);
}

}  // namespace headgate::control
