// Keys of the main file: listeners and the process as a whole.
#include <array>

#include "config/decoder.h"
#include "config/field_units.h"
#include "config/fields.h"
#include "config/model.h"

namespace headgate::config {
namespace {

using T = FieldType;

constexpr std::array kTlsVersions = {Choice{"1.2", static_cast<int>(TlsVersion::kTls12)},
                                     Choice{"1.3", static_cast<int>(TlsVersion::kTls13)}};
constexpr std::array kListenerProtocols = {Choice{"http/1.1", static_cast<int>(Protocol::kHttp11)},
                                           Choice{"h2", 0, true}};

// httpsRedirect: true, or a mapping.
void DecodeHttpsRedirect(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  auto& out = static_cast<Listener*>(block)->https_redirect;
  if (value.kind == NodeKind::kMapping) {
    DecodeValue(decoder, value, field, out);
    return;
  }
  bool on = false;
  if (!decoder.Scalar(value, Field{.key = field.key, .type = T::kBool}, on) || !on) return;
  out.emplace().at = decoder.At(value);
}

// workers: auto, or a count.
void DecodeWorkers(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  if (value.kind == NodeKind::kScalar && value.text == "auto") return;
  const Field count{.key = field.key, .type = T::kCount, .min = field.min, .max = field.max};
  DecodeValue(decoder, value, count, static_cast<Model*>(block)->workers);
}

// to: stdout, stderr, off, or a file.
void DecodeLogTarget(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  auto& out = *static_cast<AccessLog*>(block);
  if (!decoder.Expect(value, NodeKind::kScalar, "stdout, stderr, off or a file")) return;
  LogTarget target = LogTarget::kFile;
  if (value.text == "stdout") target = LogTarget::kStdout;
  if (value.text == "stderr") target = LogTarget::kStderr;
  if (value.text == "off") target = LogTarget::kOff;
  if (target == LogTarget::kFile && !DecodeValue(decoder, value, Field{.key = field.key, .type = T::kFile}, out.file)) {
    return;
  }
  out.to = Located<LogTarget>{target, decoder.At(value)};
}

// The map of upstreams: the name is the key.
void DecodeUpstreams(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& /*field*/, void* block) {
  auto& out = static_cast<Model*>(block)->upstreams;
  if (!decoder.Expect(value, NodeKind::kMapping, "a mapping of names to upstreams")) return;
  decoder.tree.ForEachPair(value, [&](const Node& name, const Node& node) {
    if (name.kind != NodeKind::kScalar) return;
    auto upstream = std::make_shared<Upstream>();
    upstream->at = decoder.At(name);
    upstream->name.at = decoder.At(name);
    const bool named = decoder.Scalar(name, Field{.key = "upstreams", .type = T::kName}, upstream->name.value);
    decoder.Block(node, BlockOf<Upstream>(), upstream.get());
    if (named) out.push_back(std::move(upstream));
  });
}

}  // namespace

template <>
const BlockSpec& BlockOf<Limits>() {
  static const std::array kFields = {
      Field{.key = "maxConnections",
            .type = T::kCount,
            .doc = "Clients' connections at one time.",
            .decode = Into<&Limits::max_connections>,
            .default_text = "none",
            .min = 1,
            .max = 100'000'000,
            .none = true},
      Field{.key = "maxMemory",
            .type = T::kSize,
            .doc = "Memory beyond which new requests get 503.",
            .default_text = "auto",
            .later = true},
      Field{.key = "requestHead",
            .type = T::kSize,
            .doc = "A request's head; beyond it 431.",
            .decode = Into<&Limits::request_head>,
            .default_text = "32KiB",
            .min = kKiB,
            .max = 64 * kMiB},
      Field{.key = "fieldSize",
            .type = T::kSize,
            .doc = "One header field, name and value; beyond it 431.",
            .decode = Into<&Limits::field_size>,
            .default_text = "16KiB",
            .min = 256,
            .max = 64 * kMiB},
      Field{.key = "fields",
            .type = T::kCount,
            .doc = "Header fields of a request; beyond it 431.",
            .decode = Into<&Limits::fields>,
            .default_text = "100",
            .min = 1,
            .max = 10'000},
      Field{.key = "target",
            .type = T::kSize,
            .doc = "The request target; beyond it 414.",
            .decode = Into<&Limits::target>,
            .default_text = "8KiB",
            .min = 64,
            .max = 64 * kMiB},
      Field{.key = "headTimeout",
            .type = T::kDuration,
            .doc = "From a request's first byte to the end of its head; then 408.",
            .decode = Into<&Limits::head_timeout>,
            .default_text = "10s",
            .min = kMs,
            .max = 24 * kHour},
      Field{.key = "keepAlive",
            .type = T::kDuration,
            .doc = "How long an idle connection is kept.",
            .decode = Into<&Limits::keep_alive>,
            .default_text = "60s",
            .min = kMs,
            .max = 24 * kHour},
      Field{.key = "tlsHandshake",
            .type = T::kDuration,
            .doc = "How long a TLS handshake may take.",
            .decode = Into<&Limits::tls_handshake>,
            .default_text = "5s",
            .min = kMs,
            .max = kHour},
      Field{.key = "bodyIdle",
            .type = T::kDuration,
            .doc = "How long a request's body may stand still; then 408.",
            .decode = Into<&Limits::body_idle>,
            .default_text = "15s",
            .min = kMs,
            .max = 24 * kHour,
            .none = true},
      Field{.key = "bodyRate",
            .type = T::kSize,
            .doc = "Bytes per second that a request's body must make, over 30 s; then 408.",
            .decode = Into<&Limits::body_rate>,
            .default_text = "240",
            .min = 1,
            .max = kGiB,
            .none = true},
      Field{.key = "readRate",
            .type = T::kSize,
            .doc = "Bytes per second at which a client must read its response, over 30 s; then a reset.",
            .decode = Into<&Limits::read_rate>,
            .default_text = "34",
            .min = 1,
            .max = kGiB,
            .none = true},
      Field{.key = "h2Streams",
            .type = T::kCount,
            .doc = "HTTP/2 streams per connection.",
            .default_text = "100",
            .later = true},
      Field{.key = "h2Window",
            .type = T::kSize,
            .doc = "HTTP/2 window of a stream.",
            .default_text = "64KiB",
            .later = true},
      Field{.key = "h2Connection",
            .type = T::kSize,
            .doc = "HTTP/2 bytes held per connection.",
            .default_text = "4MiB",
            .later = true},
      Field{.key = "upstreamHead",
            .type = T::kSize,
            .doc = "A response's head; beyond it 502.",
            .decode = Into<&Limits::upstream_head>,
            .default_text = "64KiB",
            .min = kKiB,
            .max = 64 * kMiB},
      Field{.key = "streamBuffer",
            .type = T::kSize,
            .doc = "Bytes held per request and direction.",
            .decode = Into<&Limits::stream_buffer>,
            .default_text = "64KiB",
            .min = 16 * kKiB,
            .max = 64 * kMiB},
  };
  static const BlockSpec kBlock{.name = "limits", .doc = "Limits on clients and upstreams.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<Certificate>() {
  static const std::array kFields = {
      Field{.key = "certFile",
            .type = T::kFile,
            .doc = "The certificate and its chain, PEM.",
            .decode = Into<&Certificate::cert_file>,
            .required = true},
      Field{.key = "keyFile",
            .type = T::kFile,
            .doc = "Its key, PEM.",
            .decode = Into<&Certificate::key_file>,
            .required = true},
  };
  static const BlockSpec kBlock{.name = "a certificate", .doc = "A certificate and its key.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<ListenerTls>() {
  static const std::array kFields = {
      Field{.key = "certificates",
            .type = T::kBlock,
            .doc = "Chosen by SNI: exact name, then wildcard, then the first. Read again when the files change.",
            .decode = Into<&ListenerTls::certificates>,
            .block = BlockOf<Certificate>,
            .list = true,
            .required = true,
            .non_empty = true},
      Field{.key = "minVersion",
            .type = T::kChoice,
            .doc = "The oldest TLS version that is accepted.",
            .decode = Into<&ListenerTls::min_version>,
            .default_text = "1.2",
            .choices = kTlsVersions},
      Field{.key = "clientAuth", .type = T::kBlock, .doc = "Clients' certificates.", .later = true},
  };
  static const BlockSpec kBlock{.name = "a listener's tls", .doc = "TLS to clients.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<HttpsRedirect>() {
  static const std::array kFields = {
      Field{.key = "listener",
            .type = T::kName,
            .doc = "The listener to send clients to.",
            .decode = Into<&HttpsRedirect::listener>,
            .default_text = "the first one with tls"},
      Field{.key = "except",
            .type = T::kPath,
            .doc = "Paths, by whole segments, that are served without TLS.",
            .decode = Into<&HttpsRedirect::except>,
            .list = true},
  };
  static const BlockSpec kBlock{
      .name = "httpsRedirect", .doc = "Answers 308 to the same URL with https.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<Listener>() {
  static const std::array kFields = {
      Field{.key = "name",
            .type = T::kName,
            .doc = "Unique; routes refer to it.",
            .decode = Into<&Listener::name>,
            .required = true},
      Field{.key = "address",
            .type = T::kListenAddress,
            .doc = "Where to listen. [::] takes IPv4 too unless 0.0.0.0 has the port.",
            .decode = Into<&Listener::address>,
            .required = true},
      Field{.key = "publicPort",
            .type = T::kCount,
            .doc = "The port that clients see; for redirects.",
            .decode = Into<&Listener::public_port>,
            .default_text = "the address's port",
            .min = 1,
            .max = 65535},
      Field{.key = "httpsRedirect",
            .type = T::kSpecial,
            .doc = "Answers 308 to https; never for /.well-known/acme-challenge/.",
            .decode = DecodeHttpsRedirect,
            .default_text = "false",
            .block = BlockOf<HttpsRedirect>,
            .schema = R"({"type": "boolean"})"},
      Field{.key = "tls",
            .type = T::kBlock,
            .doc = "TLS to clients; absent: none.",
            .decode = Into<&Listener::tls>,
            .block = BlockOf<ListenerTls>},
      Field{.key = "protocols",
            .type = T::kChoice,
            .doc = "Protocols that are spoken.",
            .decode = Into<&Listener::protocols>,
            .default_text = "[http/1.1]",
            .choices = kListenerProtocols,
            .list = true,
            .non_empty = true},
      Field{.key = "proxyProtocol", .type = T::kBlock, .doc = "PROXY protocol from these addresses.", .later = true},
      Field{.key = "limits",
            .type = T::kBlock,
            .doc = "Limits of this listener, in place of the process's.",
            .decode = Into<&Listener::limits>,
            .block = BlockOf<Limits>},
  };
  static const BlockSpec kBlock{.name = "a listener", .doc = "An address that takes connections.", .fields = kFields};
  return kBlock;
}

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
            .schema = R"({"type": "string", "minLength": 1})"},
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
            .decode = Into<&Model::listeners>,
            .default_text = "one, named web, on 0.0.0.0:8080",
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
            .decode = Into<&Model::admin>,
            .block = BlockOf<Admin>,
            .none = true},
      Field{.key = "metrics",
            .type = T::kBlock,
            .doc = "Scrapes and probes.",
            .decode = Into<&Model::metrics>,
            .block = BlockOf<MetricsEndpoint>,
            .none = true},
      Field{.key = "accessLog",
            .type = T::kBlock,
            .doc = "One JSON line per request.",
            .decode = Into<&Model::access_log>,
            .block = BlockOf<AccessLog>},
      Field{.key = "drain",
            .type = T::kBlock,
            .doc = "What happens after SIGTERM.",
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
            .decode = DecodeUpstreams,
            .default_text = "{}",
            .block = BlockOf<Upstream>},
      Field{.key = "defaults",
            .type = T::kBlock,
            .doc = "Policies of every route that does not say otherwise.",
            .decode = Into<&Model::defaults>,
            .default_text = "{}",
            .block = BlockOf<RoutePolicy>},
      Field{.key = "routes",
            .type = T::kBlock,
            .doc = "Which request goes where. Their order never matters.",
            .decode = Into<&Model::routes>,
            .default_text = "[]",
            .block = BlockOf<Route>,
            .list = true},
  };
  static const BlockSpec kBlock{.name = "the main file", .doc = "headgate's configuration.", .fields = kFields};
  return kBlock;
}

}  // namespace headgate::config
