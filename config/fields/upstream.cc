// Keys of an upstream.
#include <array>

#include "config/fields/decoder.h"
#include "config/fields/field_form.h"
#include "config/fields/field_units.h"
#include "config/fields/fields.h"
#include "config/model.h"

namespace headgate::config {
namespace {

using T = FieldType;

constexpr std::array kUpstreamProtocols = {Choice{"http/1.1", static_cast<int>(Protocol::kHttp11)},
                                           Choice{"h2c", static_cast<int>(Protocol::kH2c)},
                                           Choice{"h2", static_cast<int>(Protocol::kH2)}};
constexpr std::array kLoadBalancing = {Choice{"roundRobin", static_cast<int>(LoadBalancing::kRoundRobin)},
                                       Choice{"leastRequest", static_cast<int>(LoadBalancing::kLeastRequest)},
                                       Choice{"random", static_cast<int>(LoadBalancing::kRandom)},
                                       Choice{"ringHash", static_cast<int>(LoadBalancing::kRingHash)},
                                       Choice{"maglev", static_cast<int>(LoadBalancing::kMaglev)}};

constexpr std::array kTlsRules = {KeyRule{KeyRuleKind::kTogether, {"certFile", "keyFile"}}};
constexpr std::array kUpstreamRules = {KeyRule{KeyRuleKind::kExactlyOne, {"address", "endpoints"}}};

struct HashOnNames {
  Optional<std::string> header;
  Optional<std::string> cookie;
  Optional<std::string> query;
};

constexpr std::array kHashOnRules = {KeyRule{KeyRuleKind::kExactlyOne, {"header", "cookie", "query"}}};

const BlockSpec& HashOnBlock() {
  static const std::array kFields = {
      Field{
          .key = "header", .type = T::kHeaderName, .doc = "A request's header.", .decode = Into<&HashOnNames::header>},
      Field{.key = "cookie",
            .type = T::kToken,
            .doc = "A cookie; a client without it gets one.",
            .decode = Into<&HashOnNames::cookie>},
      Field{.key = "query", .type = T::kText, .doc = "A query parameter.", .decode = Into<&HashOnNames::query>},
  };
  static const BlockSpec kBlock{
      .name = "hashOn", .doc = "What of a request is hashed.", .fields = kFields, .rules = kHashOnRules};
  return kBlock;
}

// clientIp, path, or a mapping with one name.
void DecodeHashOn(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  auto& out = static_cast<Upstream*>(block)->hash_on;
  const auto set = [&](HashOnBy by, std::string name) {
    out = Located<HashOn>{{by, std::move(name)}, decoder.At(value)};
  };
  if (value.kind == NodeKind::kScalar && value.text == "clientIp") return set(HashOnBy::kClientIp, {});
  if (value.kind == NodeKind::kScalar && value.text == "path") return set(HashOnBy::kPath, {});
  HashOnNames names;
  if (!decoder.Expect(value, NodeKind::kMapping, "clientIp, path or a mapping", FormHint(field, value, false))) return;
  if (!decoder.Block(value, HashOnBlock(), &names, field)) return;
  if (names.header) set(HashOnBy::kHeader, names.header->value);
  if (names.cookie) set(HashOnBy::kCookie, names.cookie->value);
  if (names.query) set(HashOnBy::kQuery, names.query->value);
}

const BlockSpec& LoadBalancingBlock() {
  static const std::array kFields = {
      Field{.key = "policy",
            .type = T::kChoice,
            .doc = "roundRobin; leastRequest (the less busy of two drawn); random; ringHash and maglev: by hashOn.",
            .decode = Into<&Upstream::load_balancing>,
            .default_text = "roundRobin",
            .choices = kLoadBalancing},
      Field{.key = "hashOn",
            .type = T::kSpecial,
            .doc = "What ringHash and maglev hash: clientIp, path, or the name of a header, cookie or query parameter.",
            .form = "{header: $x-user}",
            .decode = DecodeHashOn,
            .default_text = "clientIp",
            .block = HashOnBlock,
            .schema = R"({"enum": ["clientIp", "path"]})"},
  };
  static const BlockSpec kBlock{.name = "loadBalancing", .doc = "How an endpoint is chosen.", .fields = kFields};
  return kBlock;
}

void DecodeLoadBalancing(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  decoder.Block(value, LoadBalancingBlock(), block, field);
  const auto& upstream = *static_cast<const Upstream*>(block);
  if (!upstream.hash_on) return;
  const LoadBalancing policy = upstream.load_balancing ? upstream.load_balancing->value : LoadBalancing::kRoundRobin;
  if (policy == LoadBalancing::kRingHash || policy == LoadBalancing::kMaglev) return;
  decoder.diagnostics.Error(Code::kExclusiveKeys, upstream.hash_on->at,
                            "'hashOn' has a meaning with policy ringHash or maglev only");
}

const BlockSpec& EndpointBlock() {
  static const std::array kFields = {
      Field{.key = "address",
            .type = T::kListenAddress,
            .doc = "An IP address and a port.",
            .decode = Into<&Endpoint::address>,
            .required = true},
      Field{.key = "weight",
            .type = T::kCount,
            .doc = "Its share in relation to the others.",
            .decode = Into<&Endpoint::weight>,
            .default_text = "1",
            .min = 1,
            .max = 1000},
  };
  static const BlockSpec kBlock{.name = "an endpoint", .doc = "An address and its weight.", .fields = kFields};
  return kBlock;
}

// Each is an address, or a mapping with address and weight.
void DecodeEndpoints(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  auto& out = static_cast<Upstream*>(block)->endpoints;
  if (!decoder.ExpectList(value, field)) return;
  decoder.tree.ForEach(value, [&](const Node& node) {
    Endpoint endpoint;
    const Field address{.key = "endpoints", .type = T::kListenAddress};
    const bool decoded = node.kind == NodeKind::kMapping ? decoder.Block(node, EndpointBlock(), &endpoint, field)
                                                         : DecodeValue(decoder, node, address, endpoint.address);
    if (decoded) out.push_back(std::move(endpoint));
  });
}

}  // namespace

template <>
const BlockSpec& BlockOf<UpstreamTls>() {
  static const std::array kFields = {
      Field{.key = "caFile",
            .type = T::kFile,
            .doc = "Whom to trust; absent: the system's store.",
            .decode = Into<&UpstreamTls::ca_file>},
      Field{.key = "serverName",
            .type = T::kDnsName,
            .doc = "The name to ask for and to verify.",
            .decode = Into<&UpstreamTls::server_name>,
            .default_text = "the address's host, or the endpoint's IP address"},
      Field{
          .key = "certFile", .type = T::kFile, .doc = "Our own certificate.", .decode = Into<&UpstreamTls::cert_file>},
      Field{.key = "keyFile", .type = T::kFile, .doc = "Its key.", .decode = Into<&UpstreamTls::key_file>},
      Field{.key = "verify",
            .type = T::kBool,
            .doc = "false: anybody may pretend to be the upstream.",
            .decode = Into<&UpstreamTls::verify>,
            .default_text = "true"},
  };
  static const BlockSpec kBlock{
      .name = "an upstream's tls", .doc = "TLS to the upstream.", .fields = kFields, .rules = kTlsRules};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<Connections>() {
  static const std::array kFields = {
      Field{.key = "max",
            .type = T::kCount,
            .doc = "Connections at one time, over all workers.",
            .decode = Into<&Connections::max>,
            .default_text = "1024",
            .min = 1,
            .max = 10'000'000,
            .none = true},
      Field{.key = "maxPending",
            .type = T::kCount,
            .doc = "Requests that wait for a connection; beyond it 503. 0: nobody waits.",
            .decode = Into<&Connections::max_pending>,
            .default_text = "1024",
            .max = 10'000'000,
            .none = true},
      Field{.key = "maxRequests",
            .type = T::kCount,
            .doc = "Requests per connection; 0: no limit.",
            .decode = Into<&Connections::max_requests>,
            .default_text = "0",
            .max = 1'000'000'000,
            .none = true},
      Field{.key = "maxAge",
            .type = T::kDuration,
            .doc = "How old a connection may get (jittered), so that load spreads over new pods.",
            .decode = Into<&Connections::max_age>,
            .default_text = "5m",
            .min = kMs,
            .max = 24 * kHour,
            .none = true},
      Field{.key = "idleTimeout",
            .type = T::kDuration,
            .doc = "How long an idle connection is kept.",
            .decode = Into<&Connections::idle_timeout>,
            .default_text = "60s",
            .min = kMs,
            .max = 24 * kHour},
      Field{.key = "connectTimeout",
            .type = T::kDuration,
            .doc = "How long a connect and its handshake may take.",
            .decode = Into<&Connections::connect_timeout>,
            .default_text = "2s",
            .min = kMs,
            .max = kHour},
  };
  static const BlockSpec kBlock{.name = "connections", .doc = "The pool of connections.", .fields = kFields};
  return kBlock;
}

template <>
const BlockSpec& BlockOf<Upstream>() {
  static const std::array kFields = {
      Field{.key = "address",
            .type = T::kUpstreamAddress,
            .doc = "A DNS name, resolved again by its TTL, or an IP address, with a port.",
            .decode = Into<&Upstream::address>},
      Field{.key = "endpoints",
            .type = T::kSpecial,
            .doc = "Or a fixed list of IP addresses with ports.",
            .form = R"($"10.0.0.1:8080")",
            .decode = DecodeEndpoints,
            .block = EndpointBlock,
            .schema = R"({"type": "string"})",
            .list = true,
            .non_empty = true},
      Field{.key = "protocol",
            .type = T::kChoice,
            .doc = "What the upstream speaks; h2 needs tls, h2c has none. gRPC needs one of them.",
            .decode = Into<&Upstream::protocol>,
            .default_text = "http/1.1",
            .choices = kUpstreamProtocols},
      Field{.key = "tls",
            .type = T::kBlock,
            .doc = "TLS to the upstream; absent: none.",
            .form = "{}",
            .decode = Into<&Upstream::tls>,
            .block = BlockOf<UpstreamTls>},
      Field{.key = "loadBalancing",
            .type = T::kBlock,
            .doc = "How an endpoint is chosen.",
            .form = "{policy: $leastRequest}",
            .decode = DecodeLoadBalancing,
            .block = LoadBalancingBlock},
      Field{.key = "slowStart",
            .type = T::kDuration,
            .doc = "How long a new endpoint grows to its share.",
            .later = true},
      Field{.key = "healthCheck", .type = T::kBlock, .doc = "Active health checks.", .later = true},
      Field{.key = "outlierDetection", .type = T::kBlock, .doc = "Ejection by failures.", .later = true},
      Field{.key = "panicThreshold",
            .type = T::kPercent,
            .doc = "Fewer healthy than this: all take traffic.",
            .later = true},
      Field{.key = "connections",
            .type = T::kBlock,
            .doc = "The pool of connections.",
            .form = "{max: $1024}",
            .decode = Into<&Upstream::connections>,
            .block = BlockOf<Connections>},
      Field{.key = "proxyProtocol", .type = T::kText, .doc = "PROXY protocol to the upstream.", .later = true},
  };
  static const BlockSpec kBlock{
      .name = "an upstream", .doc = "A service that answers requests.", .fields = kFields, .rules = kUpstreamRules};
  return kBlock;
}

}  // namespace headgate::config
