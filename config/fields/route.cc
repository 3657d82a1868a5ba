// Keys of a route besides its policies.
#include <array>

#include "config/fields/decoder.h"
#include "config/fields/field_units.h"
#include "config/fields/fields.h"
#include "config/model.h"
#include "config/text.h"

namespace headgate::config {
namespace {

using T = FieldType;

constexpr std::array kColours = {Choice{"blue", static_cast<int>(Colour::kBlue)},
                                 Choice{"green", static_cast<int>(Colour::kGreen)}};
constexpr std::array kSchemes = {Choice{"http", 0}, Choice{"https", 1}};
constexpr std::array kRedirectStatuses = {Choice{"301", 301}, Choice{"302", 302}, Choice{"303", 303},
                                          Choice{"307", 307}, Choice{"308", 308}};

// path: one of exact, prefix, regex.
template <PathMatchKind Kind>
void DecodePath(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  auto& out = *static_cast<PathMatch*>(block);
  out.kind = Kind;
  DecodeValue(decoder, value, field, out.value);
}

// A header, query parameter or cookie: one of exact, regex, present.
template <ValueMatchKind Kind>
void DecodeMatch(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  auto& out = *static_cast<ValueMatch*>(block);
  out.kind = Kind;
  out.value.at = decoder.At(value);
  if constexpr (Kind != ValueMatchKind::kPresent) {
    DecodeValue(decoder, value, field, out.value);
  } else {
    bool present = true;
    if (decoder.Scalar(value, Field{.key = field.key, .type = T::kBool}, present) && !present) {
      decoder.diagnostics.Error(Code::kMalformedValue, decoder.At(value), "'present' can only be true");
    }
  }
}

constexpr std::array kValueRules = {KeyRule{KeyRuleKind::kExactlyOne, {"exact", "regex", "present"}}};
constexpr std::array kPathRules = {KeyRule{KeyRuleKind::kExactlyOne, {"exact", "prefix", "regex"}}};
constexpr std::array kForceRules = {KeyRule{KeyRuleKind::kExactlyOne, {"header", "cookie"}}};
constexpr std::array kRedirectRules = {KeyRule{KeyRuleKind::kAtMostOne, {"path", "prefix"}}};
constexpr std::array kRouteRules = {
    KeyRule{KeyRuleKind::kExactlyOne, {"backends", "blueGreen", "redirect", "respond"}, Code::kOneAction}};

std::array<Field, 4> ValueMatchFields(T name, T exact) {
  return {
      Field{.key = "name", .type = name, .doc = "Its name.", .decode = Into<&ValueMatch::name>, .required = true},
      Field{.key = "exact", .type = exact, .doc = "The whole value.", .decode = DecodeMatch<ValueMatchKind::kExact>},
      Field{.key = "regex",
            .type = T::kRegex,
            .doc = "RE2 that fits the whole value.",
            .decode = DecodeMatch<ValueMatchKind::kRegex>},
      Field{.key = "present",
            .type = T::kSpecial,
            .doc = "true: any value.",
            .decode = DecodeMatch<ValueMatchKind::kPresent>,
            .schema = R"({"const": true})"},
  };
}

const BlockSpec& PathMatchBlock() {
  static const std::array kFields = {
      Field{.key = "exact", .type = T::kPath, .doc = "The whole path.", .decode = DecodePath<PathMatchKind::kExact>},
      Field{.key = "prefix",
            .type = T::kPath,
            .doc = "Whole segments from the front.",
            .decode = DecodePath<PathMatchKind::kPrefix>},
      Field{.key = "regex",
            .type = T::kRegex,
            .doc = "RE2 that fits the whole path.",
            .decode = DecodePath<PathMatchKind::kRegex>},
  };
  static const BlockSpec kBlock{
      .name = "a path match", .doc = "One of exact, prefix and regex.", .fields = kFields, .rules = kPathRules};
  return kBlock;
}

const BlockSpec& HeaderMatchBlock() {
  static const auto kFields = ValueMatchFields(T::kHeaderName, T::kHeaderValue);
  static const BlockSpec kBlock{
      .name = "a header match", .doc = "One of exact, regex and present.", .fields = kFields, .rules = kValueRules};
  return kBlock;
}

const BlockSpec& QueryMatchBlock() {
  static const auto kFields = ValueMatchFields(T::kText, T::kText);
  static const BlockSpec kBlock{
      .name = "a query match", .doc = "One of exact, regex and present.", .fields = kFields, .rules = kValueRules};
  return kBlock;
}

const BlockSpec& CookieMatchBlock() {
  static const auto kFields = ValueMatchFields(T::kToken, T::kText);
  static const BlockSpec kBlock{
      .name = "a cookie match", .doc = "One of exact, regex and present.", .fields = kFields, .rules = kValueRules};
  return kBlock;
}

void DecodeMatchList(Decoder& decoder, const Node& list, const Field& field, std::vector<ValueMatch>& out) {
  if (!decoder.ExpectList(list, field)) return;
  decoder.tree.ForEach(list, [&](const Node& node) {
    ValueMatch match;
    if (!decoder.Block(node, field.block(), &match, field)) return;
    out.push_back(std::move(match));
  });
}

void DecodeHeaderMatches(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  DecodeMatchList(decoder, value, field, static_cast<RouteMatch*>(block)->headers);
}

void DecodeQueryMatches(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  DecodeMatchList(decoder, value, field, static_cast<RouteMatch*>(block)->query_params);
}

void DecodePathMatch(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  auto& out = static_cast<RouteMatch*>(block)->path;
  out.emplace();
  decoder.Block(value, PathMatchBlock(), &*out, field);
}

template <ForceBy By>
void DecodeForce(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  auto& out = *static_cast<Force*>(block);
  out.by = By;
  decoder.Block(value, field.block(), &out.match, field);
}

void DecodeBackends(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  auto& route = *static_cast<Route*>(block);
  route.backends_at = decoder.At(value);
  DecodeValue(decoder, value, field, route.backends);
}

void DecodeScheme(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  int scheme = 0;
  if (!decoder.ChoiceOf(value, field, scheme)) return;
  static_cast<Redirect*>(block)->scheme = Located<std::string>{std::string(value.text), decoder.At(value)};
}

void DecodeRedirectStatus(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  int status = 0;
  if (!decoder.ChoiceOf(value, field, status)) return;
  static_cast<Redirect*>(block)->status = Located<uint16_t>{static_cast<uint16_t>(status), decoder.At(value)};
}

}  // namespace

template <>
const BlockSpec& BlockOf<RouteMatch>() {
  static const std::array kFields = {
      Field{.key = "path",
            .type = T::kBlock,
            .doc = "Absent: every path.",
            .form = "{prefix: $/api}",
            .decode = DecodePathMatch,
            .block = PathMatchBlock},
      Field{.key = "method", .type = T::kMethod, .doc = "Absent: every method.", .decode = Into<&RouteMatch::method>},
      Field{.key = "headers",
            .type = T::kBlock,
            .doc = "All of them must fit.",
            .form = "{name: $x-tenant, exact: beta}",
            .decode = DecodeHeaderMatches,
            .block = HeaderMatchBlock,
            .list = true},
      Field{.key = "queryParams",
            .type = T::kBlock,
            .doc = "All of them must fit.",
            .form = R"({name: $v, exact: "2"})",
            .decode = DecodeQueryMatches,
            .block = QueryMatchBlock,
            .list = true},
  };
  static const BlockSpec kBlock{
      .name = "a match", .doc = "What a request must be; all keys must fit.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<Force>() {
  static const std::array kFields = {
      Field{.key = "header",
            .type = T::kBlock,
            .doc = "By a request header.",
            .form = "{name: $x-canary, exact: always}",
            .decode = DecodeForce<ForceBy::kHeader>,
            .block = HeaderMatchBlock},
      Field{.key = "cookie",
            .type = T::kBlock,
            .doc = "By a cookie.",
            .form = "{name: $canary, exact: always}",
            .decode = DecodeForce<ForceBy::kCookie>,
            .block = CookieMatchBlock},
  };
  static const BlockSpec kBlock{.name = "force",
                                .doc = "Sends a request here whatever the weights: header or cookie.",
                                .fields = kFields,
                                .rules = kForceRules};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<Backend>() {
  static const std::array kFields = {
      Field{.key = "upstream",
            .type = T::kName,
            .doc = "Its name.",
            .decode = Into<&Backend::upstream>,
            .required = true},
      Field{.key = "weight",
            .type = T::kCount,
            .doc = "In relation to the others; 0: forced requests only.",
            .decode = Into<&Backend::weight>,
            .default_text = "1",
            .max = 1'000'000},
      Field{.key = "force",
            .type = T::kBlock,
            .doc = "Any of these sends a request here.",
            .form = "{header: {name: x-canary, exact: always}}",
            .decode = Into<&Backend::force>,
            .block = BlockOf<Force>,
            .list = true},
  };
  static const BlockSpec kBlock{.name = "a backend", .doc = "An upstream and its share.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<BlueGreen>() {
  static const std::array kFields = {
      Field{.key = "active",
            .type = T::kChoice,
            .doc = "Which one gets the requests.",
            .decode = Into<&BlueGreen::active>,
            .choices = kColours,
            .required = true},
      Field{.key = "blue", .type = T::kName, .doc = "An upstream.", .decode = Into<&BlueGreen::blue>, .required = true},
      Field{
          .key = "green", .type = T::kName, .doc = "An upstream.", .decode = Into<&BlueGreen::green>, .required = true},
      Field{.key = "preview",
            .type = T::kBlock,
            .doc = "Which requests get the other one.",
            .form = R"({header: {name: x-preview, exact: "1"}})",
            .decode = Into<&BlueGreen::preview>,
            .block = BlockOf<Force>},
  };
  static const BlockSpec kBlock{.name = "blueGreen", .doc = "Two versions, one switch.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<Redirect>() {
  static const std::array kFields = {
      Field{
          .key = "hostname", .type = T::kDnsName, .doc = "Absent: the request's.", .decode = Into<&Redirect::hostname>},
      Field{.key = "scheme",
            .type = T::kChoice,
            .doc = "Absent: the request's.",
            .decode = DecodeScheme,
            .choices = kSchemes},
      Field{.key = "status",
            .type = T::kChoice,
            .doc = "The answer's status.",
            .decode = DecodeRedirectStatus,
            .default_text = "302",
            .choices = kRedirectStatuses},
      Field{.key = "path", .type = T::kPath, .doc = "In place of the whole path.", .decode = Into<&Redirect::path>},
      Field{.key = "prefix",
            .type = T::kPath,
            .doc = "In place of the prefix that matched.",
            .decode = Into<&Redirect::prefix>},
      Field{.key = "port",
            .type = T::kCount,
            .doc = "Absent: the listener's publicPort.",
            .decode = Into<&Redirect::port>,
            .min = 1,
            .max = 65535},
  };
  static const BlockSpec kBlock{
      .name = "redirect", .doc = "Answers with another address.", .fields = kFields, .rules = kRedirectRules};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<Respond>() {
  static const std::array kFields = {
      Field{.key = "status",
            .type = T::kCount,
            .doc = "The answer's status.",
            .decode = Into<&Respond::status>,
            .min = 200,
            .max = 599,
            .required = true},
      Field{.key = "body", .type = T::kText, .doc = "Its body, at most 64 KiB.", .decode = Into<&Respond::body>},
      Field{.key = "headers",
            .type = T::kHeaderMap,
            .doc = "Its header fields.",
            .form = "{content-type: text/plain}",
            .decode = Into<&Respond::headers>,
            .default_text = "{}"},
  };
  static const BlockSpec kBlock{.name = "respond", .doc = "Answers by itself.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<Route>() {
  static const std::array kFields = {
      Field{.key = "name",
            .type = T::kName,
            .doc = "Unique; the `route` label of every metric and log line.",
            .decode = Into<&Route::name>,
            .required = true},
      Field{.key = "listeners",
            .type = T::kName,
            .doc = "Absent: all.",
            .decode = Into<&Route::listeners>,
            .list = true,
            .non_empty = true},
      Field{.key = "hostnames",
            .type = T::kHostname,
            .doc = "Absent: any. \"*.x\" stands for one or more labels.",
            .decode = Into<&Route::hostnames>,
            .list = true,
            .non_empty = true},
      Field{.key = "matches",
            .type = T::kBlock,
            .doc = "Any one of them must fit. Absent: every path.",
            .form = "{path: {prefix: $/api}}",
            .decode = Into<&Route::matches>,
            .block = BlockOf<RouteMatch>,
            .list = true,
            .non_empty = true},
      Field{.key = "backends",
            .type = T::kBlock,
            .doc = "A weighted split over upstreams.",
            .form = "{upstream: $shop}",
            .decode = DecodeBackends,
            .block = BlockOf<Backend>,
            .list = true,
            .non_empty = true,
            .empty = Code::kNoBackends},
      Field{.key = "blueGreen",
            .type = T::kBlock,
            .doc = "Two versions, one switch.",
            .form = "{active: blue, blue: shop-blue, green: shop-green}",
            .decode = Into<&Route::blue_green>,
            .block = BlockOf<BlueGreen>},
      Field{.key = "redirect",
            .type = T::kBlock,
            .doc = "Answers with another address.",
            .form = "{scheme: https, hostname: shop.example, path: /new}",
            .decode = Into<&Route::redirect>,
            .block = BlockOf<Redirect>},
      Field{.key = "respond",
            .type = T::kBlock,
            .doc = "Answers by itself.",
            .form = R"({status: 200, body: "text"})",
            .decode = Into<&Route::respond>,
            .block = BlockOf<Respond>},
  };
  static const BlockSpec kBlock{
      .name = "a route",
      .doc = "Requests and what becomes of them: exactly one of backends, blueGreen, redirect and respond.",
      .fields = kFields,
      .rules = kRouteRules,
      .more = &BlockOf<RoutePolicy>(),
      .more_of = [](void* block) -> void* { return &static_cast<Route*>(block)->policy; }};
  return kBlock;
}

}  // namespace headgate::config
