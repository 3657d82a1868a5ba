// Keys of limits, of the process and of a listener.
#include <array>

#include "config/fields/decoder.h"
#include "config/fields/field_units.h"
#include "config/fields/fields.h"
#include "config/model.h"

namespace headgate::config {
namespace {

using T = FieldType;

// maxMemory: auto, none, or a size.
void DecodeMaxMemory(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  if (value.kind == NodeKind::kScalar && value.text == "auto") return;
  const Field size{.key = field.key, .type = T::kSize, .min = field.min, .max = field.max, .none = true};
  DecodeValue(decoder, value, size, static_cast<Limits*>(block)->max_memory);
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
      Field{.key = "maxConnectionsPerClient",
            .type = T::kCount,
            .doc = "Connections of one client address (of an IPv6 /64) at one time, but of a trusted proxy; beyond it "
                   "closed.",
            .decode = Into<&Limits::max_connections_per_client>,
            .default_text = "none",
            .min = 1,
            .max = 1'000'000,
            .none = true},
      Field{
          .key = "maxMemory",
          .type = T::kSpecial,
          .doc = "Resident memory of the process beyond which new requests get 503. auto: 85 % of the cgroup's limit.",
          .decode = DecodeMaxMemory,
          .default_text = "auto",
          .schema = R"({"anyOf": [{"enum": ["auto", "none"]}, {"type": ["string", "integer"]}]})",
          .min = 16 * kMiB,
          .max = uint64_t{1} << 50U},
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
            .doc = "HTTP/2 requests of one connection at one time; beyond it REFUSED_STREAM.",
            .decode = Into<&Limits::h2_streams>,
            .default_text = "100",
            .min = 1,
            .max = 10'000},
      Field{.key = "h2Window",
            .type = T::kSize,
            .doc = "Where an HTTP/2 stream's window starts.",
            .decode = Into<&Limits::h2_window>,
            .default_text = "64KiB",
            .min = 16 * kKiB,
            .max = 16 * kMiB},
      Field{.key = "h2Connection",
            .type = T::kSize,
            .doc = "Bytes held for one HTTP/2 connection, both directions; beyond it no stream gets credit.",
            .decode = Into<&Limits::h2_connection>,
            .default_text = "4MiB",
            .min = 64 * kKiB,
            .max = kGiB},
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

}  // namespace headgate::config
