// The keys of `rateLimit`.
#include <array>

#include "config/fields/decoder.h"
#include "config/fields/field_units.h"
#include "config/model.h"
#include "config/parse.h"
#include "config/text.h"

namespace headgate::config {
namespace {

using T = FieldType;

constexpr std::array<std::string_view, 3> kByWords = {"clientIp", "header", "route"};
constexpr std::string_view kHeaderPrefix = "header ";

void SetHeader(Decoder& decoder, const Node& at, std::string_view name, RateLimit& out) {
  out.by = Located<RateLimitBy>{RateLimitBy::kHeader, decoder.At(at)};
  out.header = Located<std::string>{std::string(name), decoder.At(at)};
}

void ReportBy(Decoder& decoder, const Node& at, std::string_view text) {
  decoder.diagnostics.Error(Code::kUnknownChoice, decoder.At(at),
                            Quoted(text) + " in 'by': expected one of clientIp, route, header NAME",
                            DidYouMean(text, kByWords));
}

// by: clientIp, route, "header NAME", or {header: NAME}.
void DecodeBy(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& /*field*/, void* block) {
  auto& out = *static_cast<RateLimit*>(block);
  if (value.kind == NodeKind::kMapping) {
    size_t keys = 0;
    decoder.tree.ForEachPair(value, [&](const Node& key, const Node& name) {
      if (++keys == 1 && key.text == "header" && name.kind == NodeKind::kScalar && IsToken(name.text)) {
        return SetHeader(decoder, name, name.text, out);
      }
      ReportBy(decoder, key, key.text);
    });
    if (keys == 0) ReportBy(decoder, value, "{}");
    return;
  }
  if (!decoder.Expect(value, NodeKind::kScalar, "clientIp, route or header NAME")) return;
  if (value.text == "clientIp" || value.text == "route") {
    out.by = {value.text == "route" ? RateLimitBy::kRoute : RateLimitBy::kClientIp, decoder.At(value)};
  } else if (value.text.starts_with(kHeaderPrefix) && IsToken(value.text.substr(kHeaderPrefix.size()))) {
    SetHeader(decoder, value, value.text.substr(kHeaderPrefix.size()), out);
  } else {
    ReportBy(decoder, value, value.text);
  }
}

}  // namespace

template <>
const BlockSpec& BlockOf<RateLimit>() {
  static const std::array kFields = {
      Field{.key = "requests",
            .type = T::kCount,
            .doc = "How many in each `per`; beyond it 429.",
            .decode = Into<&RateLimit::requests>,
            .min = 1,
            .max = 1'000'000,
            .required = true},
      Field{.key = "per",
            .type = T::kDuration,
            .doc = "The time that `requests` are for.",
            .decode = Into<&RateLimit::per>,
            .default_text = "1s",
            .min = kSecond,
            .max = 24 * kHour},
      Field{.key = "burst",
            .type = T::kCount,
            .doc = "How many may come at once. Absent: as many as `requests`.",
            .decode = Into<&RateLimit::burst>,
            .min = 1,
            .max = 1'000'000},
      Field{.key = "by",
            .type = T::kSpecial,
            .doc = "Whose requests are counted together: clientIp (IPv6: the /64), header NAME, or route.",
            .decode = DecodeBy,
            .default_text = "clientIp",
            .schema = R"({"anyOf": [{"type": "string", )"
                      R"("pattern": "^(clientIp|route|header [!#$%&'*+.^_`|~0-9A-Za-z-]+)$"}, )"
                      R"({"type": "object", "properties": {"header": {"type": "string"}}, )"
                      R"("required": ["header"], "additionalProperties": false}]})"},
      Field{.key = "except",
            .type = T::kCidr,
            .doc = "Clients without a limit.",
            .decode = Into<&RateLimit::except>,
            .default_text = "[]",
            .list = true},
      Field{.key = "dryRun",
            .type = T::kBool,
            .doc = "Only counts what would be refused.",
            .decode = Into<&RateLimit::dry_run>,
            .default_text = "false"},
  };
  static const BlockSpec kBlock{.name = "rateLimit", .doc = "Requests per time.", .fields = kFields};
  return kBlock;
}

}  // namespace headgate::config
