// Keys that `defaults` and every route may hold.
#include <array>

#include "config/fields/decoder.h"
#include "config/fields/field_units.h"
#include "config/fields/fields.h"
#include "config/model.h"
#include "config/parse.h"
#include "config/text.h"

namespace headgate::config {
namespace {

using T = FieldType;

constexpr std::array<std::string_view, 3> kConditions = {"connectFailure", "reset", "timeout"};
constexpr std::array<std::string_view, 3> kStickyWords = {"cookie", "header", "clientIp"};

// on: connectFailure, reset, timeout, or a status from 400 to 599.
bool DecodeRetryCondition(Decoder& decoder, const Node& node, RetryOn& out) {
  if (!decoder.Expect(node, NodeKind::kScalar, "connectFailure, reset, timeout or a status")) return false;
  out.at = decoder.At(node);
  for (size_t i = 0; i < kConditions.size(); ++i) {
    if (node.text != kConditions[i]) continue;
    out.condition = static_cast<RetryCondition>(i);
    return true;
  }
  const auto status = ParseCount(node.text);
  if (status && *status >= 400 && *status <= 599) {
    out.condition = RetryCondition::kStatus;
    out.status = static_cast<uint16_t>(*status);
    return true;
  }
  decoder.diagnostics.Error(
      Code::kUnknownChoice, decoder.At(node),
      Quoted(node.text) + " in 'on': expected one of connectFailure, reset, timeout, or a status from 400 to 599",
      DidYouMean(node.text, kConditions));
  return false;
}

void DecodeRetryOn(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  auto& out = static_cast<Retry*>(block)->on;
  if (!decoder.ExpectList(value, field)) return;
  decoder.tree.ForEach(value, [&](const Node& node) {
    RetryOn item;
    if (DecodeRetryCondition(decoder, node, item)) out.push_back(item);
  });
}

// by: cookie, clientIp, or "header NAME".
void DecodeStickyBy(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& /*field*/, void* block) {
  auto& out = *static_cast<Sticky*>(block);
  if (!decoder.Expect(value, NodeKind::kScalar, "cookie, clientIp or header NAME")) return;
  const Position at = decoder.At(value);
  if (value.text == "cookie" || value.text == "clientIp") {
    out.by = {value.text == "cookie" ? StickyBy::kCookie : StickyBy::kClientIp, at};
  } else if (value.text.starts_with("header ") && IsToken(value.text.substr(7))) {
    out.by = {StickyBy::kHeader, at};
    out.header = Located<std::string>{std::string(value.text.substr(7)), at};
  } else {
    decoder.diagnostics.Error(Code::kUnknownChoice, at,
                              Quoted(value.text) + " in 'by': expected one of cookie, clientIp, header NAME",
                              DidYouMean(value.text, kStickyWords));
  }
}

void DecodeAllow(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  auto& out = *static_cast<Access*>(block);
  out.has_allow = true;
  DecodeValue(decoder, value, field, out.allow);
}

constexpr std::array kRewriteRules = {KeyRule{KeyRuleKind::kAtMostOne, {"prefix", "path", "regex"}},
                                      KeyRule{KeyRuleKind::kTogether, {"regex", "substitution"}}};

}  // namespace

template <>
const BlockSpec& BlockOf<Sticky>() {
  static const std::array kFields = {
      Field{.key = "by",
            .type = T::kSpecial,
            .doc = "cookie, clientIp or header NAME.",
            .decode = DecodeStickyBy,
            .schema = R"({"type": "string", "pattern": "^(cookie|clientIp|header [!#$%&'*+.^_`|~0-9A-Za-z-]+)$"})",
            .required = true},
      Field{.key = "name",
            .type = T::kToken,
            .doc = "The cookie's name; required with `by: cookie`.",
            .decode = Into<&Sticky::name>},
      Field{.key = "ttl",
            .type = T::kDuration,
            .doc = "The cookie's Max-Age; absent: until the browser ends.",
            .decode = Into<&Sticky::ttl>,
            .min = kSecond,
            .max = 400 * 24 * kHour},
      Field{.key = "strict",
            .type = T::kBool,
            .doc = "503 where the cohort's upstream has no endpoint.",
            .decode = Into<&Sticky::strict>,
            .default_text = "false"},
  };
  static const BlockSpec kBlock{.name = "sticky", .doc = "A user keeps the version.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<Timeouts>() {
  static const std::array kFields = {
      Field{.key = "request",
            .type = T::kDuration,
            .doc = "From a request's head to the end of its response; then 504.",
            .decode = Into<&Timeouts::request>,
            .default_text = "none",
            .min = kMs,
            .max = 24 * kHour,
            .none = true},
      Field{.key = "backendRequest",
            .type = T::kDuration,
            .doc = "One attempt at an upstream, to the end of its response; then 504 or a retry.",
            .decode = Into<&Timeouts::backend_request>,
            .default_text = "none",
            .min = kMs,
            .max = 24 * kHour,
            .none = true},
      Field{.key = "idle",
            .type = T::kDuration,
            .doc =
                "Neither side moves a byte for this long, before the response's head too; then 504 or a cut. Absent: "
                "tunnels 1h.",
            .decode = Into<&Timeouts::idle>,
            .default_text = "60s",
            .min = kMs,
            .max = 24 * 365 * kHour,
            .none = true},
  };
  static const BlockSpec kBlock{.name = "timeouts", .doc = "Deadlines of a request.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<Retry>() {
  static const std::array kFields = {
      Field{.key = "attempts",
            .type = T::kCount,
            .doc = "Besides the first.",
            .decode = Into<&Retry::attempts>,
            .default_text = "2",
            .max = 10},
      Field{
          .key = "on",
          .type = T::kSpecial,
          .doc =
              "connectFailure, reset (before any byte of the response), timeout (backendRequest passed), or a status.",
          .decode = DecodeRetryOn,
          .default_text = "[connectFailure, reset]",
          .schema = R"({"anyOf": [{"enum": ["connectFailure", "reset", "timeout"]}, )"
                    R"({"type": "string", "pattern": "^[45][0-9][0-9]$"}, )"
                    R"({"type": "integer", "minimum": 400, "maximum": 599}]})",
          .list = true,
          .non_empty = true},
      Field{.key = "methods",
            .type = T::kMethod,
            .doc = "Which methods may be repeated after they were sent.",
            .decode = Into<&Retry::methods>,
            .default_text = "[GET, HEAD, OPTIONS, QUERY]",
            .list = true,
            .non_empty = true},
      Field{.key = "backoff",
            .type = T::kDuration,
            .doc = "Waited before a retry, at most: a random part of it. Doubles with each, up to 1s or itself.",
            .decode = Into<&Retry::backoff>,
            .default_text = "25ms",
            .max = kHour},
      Field{.key = "budget",
            .type = T::kPercent,
            .doc = "Retries under way in relation to the upstream's requests, over all workers; 3 are always allowed "
                   "unless it is 0%.",
            .decode = Into<&Retry::budget>,
            .default_text = "20%"},
  };
  static const BlockSpec kBlock{.name = "retry", .doc = "When a request is tried again.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<HeaderChanges>() {
  static const std::array kFields = {
      Field{.key = "set",
            .type = T::kHeaderMap,
            .doc = "Replaces the field or adds it.",
            .form = "{x-a: b}",
            .decode = Into<&HeaderChanges::set>,
            .default_text = "{}"},
      Field{.key = "add",
            .type = T::kHeaderMap,
            .doc = "Adds a field beside those of the same name.",
            .form = "{x-a: b}",
            .decode = Into<&HeaderChanges::add>,
            .default_text = "{}"},
      Field{.key = "remove",
            .type = T::kHeaderName,
            .doc = "Takes every field of this name away.",
            .decode = Into<&HeaderChanges::remove>,
            .default_text = "[]",
            .list = true},
  };
  static const BlockSpec kBlock{.name = "header changes", .doc = "Changes of a head.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<Rewrite>() {
  static const std::array kFields = {
      Field{.key = "prefix",
            .type = T::kPath,
            .doc = "In place of the prefix that matched.",
            .decode = Into<&Rewrite::prefix>},
      Field{.key = "path", .type = T::kPath, .doc = "In place of the whole path.", .decode = Into<&Rewrite::path>},
      Field{.key = "regex",
            .type = T::kRegex,
            .doc = "RE2; what it finds is replaced by `substitution`.",
            .decode = Into<&Rewrite::regex>},
      Field{.key = "substitution",
            .type = T::kText,
            .doc = "With \\1 to \\9 for the groups of `regex`.",
            .decode = Into<&Rewrite::substitution>},
      Field{.key = "hostname", .type = T::kDnsName, .doc = "In place of Host.", .decode = Into<&Rewrite::hostname>},
  };
  static const BlockSpec kBlock{
      .name = "rewrite", .doc = "What the upstream sees.", .fields = kFields, .rules = kRewriteRules};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<Access>() {
  static const std::array kFields = {
      Field{.key = "allow",
            .type = T::kCidr,
            .doc = "Only these clients; others get 403.",
            .decode = DecodeAllow,
            .list = true},
      Field{.key = "deny",
            .type = T::kCidr,
            .doc = "Not these clients; stronger than allow.",
            .decode = Into<&Access::deny>,
            .default_text = "[]",
            .list = true},
  };
  static const BlockSpec kBlock{.name = "access", .doc = "Who may, by the client's address.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<RoutePolicy>() {
  static const std::array kFields = {
      Field{.key = "sticky",
            .type = T::kBlock,
            .doc = "A user keeps the version.",
            .form = "{by: cookie, name: hg_shop}",
            .decode = Into<&RoutePolicy::sticky>,
            .default_text = "none",
            .block = BlockOf<Sticky>,
            .none = true},
      Field{.key = "timeouts",
            .type = T::kBlock,
            .doc = "Deadlines of a request. none: no deadline.",
            .form = "{request: $30s}",
            .decode = Into<&RoutePolicy::timeouts>,
            .block = BlockOf<Timeouts>,
            .none = true},
      Field{.key = "retry",
            .type = T::kBlock,
            .doc = "When a request is tried again. none: never.",
            .form = "{attempts: $2}",
            .decode = Into<&RoutePolicy::retry>,
            .block = BlockOf<Retry>,
            .none = true},
      Field{.key = "maxBodySize",
            .type = T::kSize,
            .doc = "Of a request's body; beyond it 413. 0: no limit.",
            .decode = Into<&RoutePolicy::max_body_size>,
            .default_text = "none",
            .none = true},
      Field{.key = "websocket",
            .type = T::kBool,
            .doc = "Whether WebSocket is let through; else 403.",
            .decode = Into<&RoutePolicy::websocket>,
            .default_text = "true",
            .none = true},
      Field{.key = "requestHeaders",
            .type = T::kBlock,
            .doc = "Changes of the request's head.",
            .form = "{set: {x-a: b}}",
            .decode = Into<&RoutePolicy::request_headers>,
            .default_text = "none",
            .block = BlockOf<HeaderChanges>,
            .none = true},
      Field{.key = "responseHeaders",
            .type = T::kBlock,
            .doc = "Changes of the response's head.",
            .form = "{set: {x-a: b}}",
            .decode = Into<&RoutePolicy::response_headers>,
            .default_text = "none",
            .block = BlockOf<HeaderChanges>,
            .none = true},
      Field{.key = "rewrite",
            .type = T::kBlock,
            .doc = "What the upstream sees.",
            .form = "{prefix: $/}",
            .decode = Into<&RoutePolicy::rewrite>,
            .default_text = "none",
            .block = BlockOf<Rewrite>,
            .none = true},
      Field{.key = "access",
            .type = T::kBlock,
            .doc = "Who may, by the client's address.",
            .form = "{allow: [$10.0.0.0/8]}",
            .decode = Into<&RoutePolicy::access>,
            .default_text = "none",
            .block = BlockOf<Access>,
            .none = true},
      Field{.key = "rateLimit",
            .type = T::kBlock,
            .doc = "Requests per time.",
            .form = "{requests: $100, per: 1s}",
            .decode = Into<&RoutePolicy::rate_limit>,
            .default_text = "none",
            .block = BlockOf<RateLimit>,
            .none = true},
      Field{.key = "errorPages", .type = T::kBlock, .doc = "Pages in place of errors.", .later = true},
      Field{.key = "cors", .type = T::kBlock, .doc = "Cross-origin requests.", .later = true},
      Field{.key = "mirror", .type = T::kBlock, .doc = "A copy of requests to another upstream.", .later = true},
      Field{.key = "compression", .type = T::kBlock, .doc = "Compression of responses.", .later = true},
      Field{.key = "auth", .type = T::kBlock, .doc = "Who is asking.", .later = true},
  };
  static const BlockSpec kBlock{.name = "defaults", .doc = "Policies of a route.", .fields = kFields};
  return kBlock;
}

}  // namespace headgate::config
