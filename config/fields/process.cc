// Keys of the main file: the process as a whole.
#include <array>

#include "config/fields/decoder.h"
#include "config/fields/field_form.h"
#include "config/fields/field_units.h"
#include "config/fields/fields.h"
#include "config/model.h"
#include "config/text.h"

namespace headgate::config {
namespace {

using T = FieldType;

// workers: auto, or a count.
void DecodeWorkers(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  if (value.kind == NodeKind::kScalar && value.text == "auto") return;
  const Field count{.key = field.key, .type = T::kCount, .min = field.min, .max = field.max};
  DecodeValue(decoder, value, count, static_cast<Model*>(block)->workers);
}

// A file of this name would be made, or the descriptor opened by its path, which a process of another user may not.
void WarnOfLogWord(Decoder& decoder, const Node& value) {
  struct Word {
    std::string_view words;  // between spaces, in lower case
    std::string_view meant;
  };
  static constexpr std::array kWords = {
      Word{" /dev/stdout /proc/self/fd/1 /dev/fd/1 - stdout console true on ", "stdout"},
      Word{" /dev/stderr /proc/self/fd/2 /dev/fd/2 stderr ", "stderr"},
      Word{" /dev/null none off false no disabled null ", "off"},
  };
  for (const Word& word : kWords) {
    if (word.words.find(" " + Lower(value.text) + " ") == std::string_view::npos) continue;
    decoder.diagnostics.Warning(Code::kTakenLiterally, decoder.At(value),
                                Quoted(value.text) + " in 'to' is taken for a file",
                                "write " + std::string(word.meant));
  }
}

// to: stdout, stderr, off, or a file.
void DecodeLogTarget(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  auto& out = *static_cast<AccessLog*>(block);
  if (!decoder.Expect(value, NodeKind::kScalar, "stdout, stderr, off or a file")) return;
  LogTarget target = LogTarget::kFile;
  if (value.text == "stdout") target = LogTarget::kStdout;
  if (value.text == "stderr") target = LogTarget::kStderr;
  if (value.text == "off") target = LogTarget::kOff;
  if (target == LogTarget::kFile) WarnOfLogWord(decoder, value);
  if (target == LogTarget::kFile && !DecodeValue(decoder, value, Field{.key = field.key, .type = T::kFile}, out.file)) {
    return;
  }
  out.to = Located<LogTarget>{target, decoder.At(value)};
}

// The map of upstreams: the name is the key.
void DecodeUpstreams(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  auto& out = static_cast<Model*>(block)->upstreams;
  if (!decoder.Expect(value, NodeKind::kMapping, "a mapping of names to upstreams", FormHint(field, value, false)))
    return;
  static constexpr Field kOne{.key = "upstreams", .form = R"({address: $"shop.example:80"})", .list = true};
  decoder.tree.ForEachPair(value, [&](const Node& name, const Node& node) {
    if (name.kind != NodeKind::kScalar) return;
    auto upstream = std::make_shared<Upstream>();
    upstream->at = decoder.At(name);
    upstream->name.at = decoder.At(name);
    const bool named = decoder.Scalar(name, Field{.key = "upstreams", .type = T::kName}, upstream->name.value);
    decoder.Block(node, BlockOf<Upstream>(), upstream.get(), kOne);
    if (named) out.push_back(std::move(upstream));
  });
}

}  // namespace

template <>
const BlockSpec& BlockOf<Admin>() {
  static const std::array kFields = {
      Field{.key = "address",
            .type = T::kListenAddress,
            .doc = "Beyond loopback it needs tokenFile.",
            .decode = Into<&Admin::address>,
            .default_text = "127.0.0.1:9901"},
      Field{.key = "tokenFile",
            .type = T::kFile,
            .doc = "A file with the token that callers must bring.",
            .decode = Into<&Admin::token_file>},
  };
  static const BlockSpec kBlock{
      .name = "admin", .doc = "The listener for reading and changing the process's state.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<MetricsEndpoint>() {
  static const std::array kFields = {
      Field{.key = "address",
            .type = T::kListenAddress,
            .doc = "Serves /metrics, /livez and /readyz.",
            .decode = Into<&MetricsEndpoint::address>,
            .default_text = "0.0.0.0:9090"},
  };
  static const BlockSpec kBlock{.name = "metrics", .doc = "The listener for scrapes and probes.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<AccessLog>() {
  static const std::array kFields = {
      Field{.key = "to",
            .type = T::kSpecial,
            .doc = "stdout, stderr, off or a file (opened again on SIGUSR1).",
            .decode = DecodeLogTarget,
            .default_text = "stdout",
            .schema = R"({"type": ["string", "number", "boolean"], "minLength": 1})"},
      Field{.key = "sample",
            .type = T::kPercent,
            .doc = "The share of requests that is logged.",
            .decode = Into<&AccessLog::sample>,
            .default_text = "100%"},
      Field{.key = "query",
            .type = T::kBool,
            .doc = "Whether the query is logged.",
            .decode = Into<&AccessLog::query>,
            .default_text = "false"},
  };
  static const BlockSpec kBlock{.name = "accessLog", .doc = "One JSON line per request.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<Drain>() {
  static const std::array kFields = {
      Field{.key = "lameDuck",
            .type = T::kDuration,
            .doc = "After SIGTERM, new connections are accepted for this long.",
            .decode = Into<&Drain::lame_duck>,
            .default_text = "5s",
            .max = kHour},
      Field{.key = "timeout",
            .type = T::kDuration,
            .doc = "After this, what is left is reset.",
            .decode = Into<&Drain::timeout>,
            .default_text = "20s",
            .max = 24 * kHour},
  };
  static const BlockSpec kBlock{.name = "drain", .doc = "The end of the process.", .fields = kFields};
  return kBlock;
}

const BlockSpec& RootBlock() {
  static const std::array kFields = {
      Field{.key = "listeners",
            .type = T::kBlock,
            .doc = "Addresses that take connections.",
            .form = R"({name: web, address: "0.0.0.0:8080"})",
            .decode = Into<&Model::listeners>,
            .block = BlockOf<Listener>,
            .list = true,
            .non_empty = true},
      Field{.key = "workers",
            .type = T::kSpecial,
            .doc = "Threads that carry traffic. auto: the CPUs that this process may use. A restart changes it.",
            .decode = DecodeWorkers,
            .default_text = "auto",
            .schema = R"({"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": 1024}]})",
            .min = 1,
            .max = 1024},
      Field{.key = "admin",
            .type = T::kBlock,
            .doc = "Reads and changes the process's state.",
            .form = R"({address: $"127.0.0.1:9901"})",
            .decode = Into<&Model::admin>,
            .block = BlockOf<Admin>,
            .none = true},
      Field{.key = "metrics",
            .type = T::kBlock,
            .doc = "Scrapes and probes.",
            .form = R"({address: $"0.0.0.0:9090"})",
            .decode = Into<&Model::metrics>,
            .block = BlockOf<MetricsEndpoint>,
            .none = true},
      Field{.key = "accessLog",
            .type = T::kBlock,
            .doc = "One JSON line per request.",
            .form = "{to: $stdout}",
            .decode = Into<&Model::access_log>,
            .block = BlockOf<AccessLog>},
      Field{.key = "drain",
            .type = T::kBlock,
            .doc = "What happens after SIGTERM.",
            .form = "{timeout: $20s}",
            .decode = Into<&Model::drain>,
            .block = BlockOf<Drain>},
      Field{.key = "via",
            .type = T::kBool,
            .doc = "Whether requests get `Via: 1.1 headgate`.",
            .decode = Into<&Model::via>,
            .default_text = "false"},
      Field{.key = "trustedProxies",
            .type = T::kCidr,
            .doc = "Whose X-Forwarded-For counts: the client is the first address from the right that is not in here.",
            .decode = Into<&Model::trusted_proxies>,
            .default_text = "[]",
            .list = true},
      Field{.key = "limits",
            .type = T::kBlock,
            .doc = "Limits on clients and upstreams.",
            .form = "{maxConnections: 10000}",
            .decode = Into<&Model::limits>,
            .block = BlockOf<Limits>},
      Field{.key = "fileRoots",
            .type = T::kFile,
            .doc = "With a directory of files: further folders that paths to files may lead to.",
            .decode = Into<&Model::file_roots>,
            .default_text = "[]",
            .list = true},
      Field{.key = "upstreams",
            .type = T::kBlockMap,
            .doc = "Where requests go, by name.",
            .form = R"({shop: {address: $"shop.example:80"}})",
            .decode = DecodeUpstreams,
            .default_text = "{}",
            .block = BlockOf<Upstream>},
      Field{.key = "defaults",
            .type = T::kBlock,
            .doc = "Policies of every route that does not say otherwise.",
            .form = "{timeouts: {request: 30s}}",
            .decode = Into<&Model::defaults>,
            .default_text = "{}",
            .block = BlockOf<RoutePolicy>},
      Field{.key = "routes",
            .type = T::kBlock,
            .doc = "Which request goes where. Their order never matters.",
            .form = "{name: shop, backends: [{upstream: $shop}]}",
            .decode = Into<&Model::routes>,
            .default_text = "[]",
            .block = BlockOf<Route>,
            .list = true},
  };
  static const BlockSpec kBlock{.name = "the main file", .doc = "headgate's configuration.", .fields = kFields};
  return kBlock;
}

}  // namespace headgate::config
