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
#include "proxy/exchange/request_id.h"
#include "proxy/net/certificate_names.h"
#include "proxy/reply/outcome.h"

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

absl::string_view WithoutPort(absl::string_view authority) {
  const size_t colon = authority.rfind(':');
  const bool has_port = colon != absl::string_view::npos && authority.find(']', colon) == absl::string_view::npos;
  return has_port ? authority.substr(0, colon) : authority;
}

uint16_t PortOf(const Url& url) {
  const absl::string_view host = WithoutPort(url.authority);
  uint32_t port = 0;
  if (host.size() < url.authority.size() &&
      absl::SimpleAtoi(absl::string_view(url.authority).substr(host.size() + 1), &port))
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

// The connection that a client of that URL makes: it asks for the URL's host, a name, by SNI.
struct AssumedConnection {
  AssumedConnection(const routing::Compiled& compiled, uint32_t listener, const AskedRequest& asked, const Url& url,
                    std::string_view host, const CertificatesOf& certificates_of) {
    info.peer = asked.client;
    info.tls = compiled.listeners[listener]->tls;
    if (!info.tls) return;
    name = url.authority.empty() ? std::string(host) : absl::AsciiStrToLower(WithoutPort(url.authority));
    if (base::IpAddress::Parse(name) || name.starts_with('[')) name.clear();
    info.server_name = name;
    certificates = certificates_of ? certificates_of(listener) : nullptr;
    if (certificates == nullptr) return;
    info.certificates = certificates.get();
    info.certificate_index = certificates->CandidatesFor(name).front().index;
  }

  std::string name;
  std::shared_ptr<const proxy::net::CertificateSet> certificates;
  proxy::ClientInfo info;
};

// What is odd about the question.
std::string NoteOf(const routing::ListenerPolicy& listener, const AskedRequest& asked, const Url& url) {
  if (url.authority.empty() || listener.tls == url.tls) return {};
  std::string note = absl::StrCat("listener '", listener.name, "' takes ", listener.tls ? "https" : "http", ", not ",
                                  url.tls ? "https" : "http");
  if (asked.listener.empty()) absl::StrAppend(&note, ": no listener ", url.tls ? "has" : "is without", " tls");
  return note;
}

}  // namespace

absl::StatusOr<Explained> ExplainRequest(const routing::Compiled& compiled, const AskedRequest& asked,
                                         const CertificatesOf& certificates_of) {
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
    return absl::InvalidArgumentError(absl::StrCat(
        "headgate refuses this request: ", proxy::OutcomeOf(decoded.error().code).status, " ", decoded.error().detail));
  }
  const base::IpAddress client = http::ApplyForwarding(
      {.peer = asked.client, .trusted = compiled.trusted_proxies, .scheme = scheme, .public_port = policy.public_port},
      head);
  base::RandomSource random;
  proxy::TakeRequestId(head, random);
  const AssumedConnection connection(compiled, *listener, asked, *url, head.host, certificates_of);
  Explained explained;
  explained.listener = policy.name;
  explained.note = NoteOf(policy, asked, *url);
  explained.client = client.ToString();
  explained.scheme = head.scheme == http::Scheme::kHttps ? "https" : "http";
  routing::Explanation search = routing::Explain(compiled, *listener, head);
  explained.verdict = JudgeRequest({compiled, *listener, head, client, connection.info});
  if (explained.verdict.routed) explained.search = std::move(search);
  return explained;
}

std::string ExplanationAsText(const Explained& explained, const RouteOrigins& origins) {
  const routing::Explanation& search = explained.search;
  const Verdict& verdict = explained.verdict;
  std::string text = absl::StrCat("listener  ", explained.listener, "\n");
  if (!explained.note.empty()) absl::StrAppend(&text, "note      ", explained.note, "\n");
  absl::StrAppend(&text, "client    ", explained.client, ", ", explained.scheme, "\n");
  if (!search.host_rule.empty()) absl::StrAppend(&text, "hostname  ", search.host_rule, "\n");
  absl::StrAppend(&text, "route     ", search.route.empty() ? "none" : search.route, "\n");
  const std::string_view origin = OriginOf(origins, search.route);
  if (!origin.empty()) absl::StrAppend(&text, "origin    ", std::string(origin), "\n");
  const std::string& rule = verdict.rule.empty() ? search.rule : verdict.rule;
  if (!rule.empty()) absl::StrAppend(&text, "rule      ", rule, "\n");
  absl::StrAppend(&text, "action    ", verdict.action, "\n");
  if (!verdict.limit.empty()) absl::StrAppend(&text, "limit     ", verdict.limit, "\n");
  if (!verdict.upstream.empty()) absl::StrAppend(&text, "upstream  ", verdict.upstream, "\n");
  bool headline = false;
  for (const routing::Candidate& candidate : search.candidates) {
    if (candidate.won) continue;
    if (!std::exchange(headline, true)) absl::StrAppend(&text, "\nother candidates\n");
    const std::string_view from = OriginOf(origins, candidate.route);
    absl::StrAppend(&text, "  ", candidate.route, " (", candidate.rule, from.empty() ? "" : ", from ",
                    std::string(from), "): ", candidate.reason, "\n");
  }
  if (search.candidates_left_out > 0) absl::StrAppend(&text, "  and ", search.candidates_left_out, " more\n");
  if (search.routes_of_other_hosts > 0) {
    absl::StrAppend(&text, "\n", search.routes_of_other_hosts, " routes of other hostnames were not looked at\n");
  }
  return text;
}

std::string ExplanationAsJson(const Explained& explained, const RouteOrigins& origins) {
  const routing::Explanation& search = explained.search;
  const Verdict& verdict = explained.verdict;
  base::json::Array candidates;
  for (const routing::Candidate& candidate : search.candidates) {
    base::json::Object item;
    item["route"] = candidate.route;
    item["rule"] = candidate.rule;
    item["won"] = candidate.won;
    item["reason"] = candidate.reason;
    if (const auto origin = OriginOf(origins, candidate.route); !origin.empty()) item["origin"] = origin;
    candidates.push_back(std::move(item));
  }
  base::json::Object all;
  all["listener"] = explained.listener;
  all["note"] = explained.note;
  all["client"] = explained.client;
  all["scheme"] = explained.scheme;
  all["hostname"] = search.host_rule;
  all["route"] = search.route;
  if (const auto origin = OriginOf(origins, search.route); !origin.empty()) all["origin"] = origin;
  all["rule"] = verdict.rule.empty() ? search.rule : verdict.rule;
  all["status"] = verdict.status;
  all["action"] = verdict.action;
  all["limit"] = verdict.limit;
  all["upstream"] = verdict.upstream;
  all["candidates"] = std::move(candidates);
  all["candidatesLeftOut"] = search.candidates_left_out;
  all["routesOfOtherHosts"] = search.routes_of_other_hosts;
  return base::json::SerializePretty(all);
}

}  // namespace headgate::control
