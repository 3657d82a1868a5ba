// Keys of a listener.
#include <array>

#include "config/fields/decoder.h"
#include "config/fields/field_form.h"
#include "config/fields/fields.h"
#include "config/model.h"

namespace headgate::config {
namespace {

using T = FieldType;

constexpr std::array kTlsVersions = {Choice{"1.2", static_cast<int>(TlsVersion::kTls12)},
                                     Choice{"1.3", static_cast<int>(TlsVersion::kTls13)}};
constexpr std::array kListenerProtocols = {Choice{"h2", static_cast<int>(Protocol::kH2)},
                                           Choice{"http/1.1", static_cast<int>(Protocol::kHttp11)}};

// httpsRedirect: true, or a mapping.
void DecodeHttpsRedirect(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  auto& out = static_cast<Listener*>(block)->https_redirect;
  if (value.kind == NodeKind::kMapping) {
    DecodeValue(decoder, value, field, out);
    return;
  }
  bool on = false;
  if (value.text != "true" && value.text != "false") {
    decoder.Expect(value, NodeKind::kMapping, "true, false or a mapping", FormHint(field, value, false));
    return;
  }
  if (!decoder.Scalar(value, Field{.key = field.key, .type = T::kBool}, on) || !on) return;
  out.emplace().at = decoder.At(value);
}

}  // namespace

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
            .form = "{certFile: $tls.crt, keyFile: tls.key}",
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
const BlockSpec& BlockOf<ProxyProtocol>() {
  static const std::array kFields = {
      Field{.key = "from",
            .type = T::kCidr,
            .doc = "Peers whose connections begin with a PROXY header, version 1 or 2, before TLS too.",
            .decode = Into<&ProxyProtocol::from>,
            .list = true,
            .required = true,
            .non_empty = true},
  };
  static const BlockSpec kBlock{.name = "proxyProtocol", .doc = "PROXY protocol of clients.", .fields = kFields};
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
            .form = "{listener: $websecure}",
            .decode = DecodeHttpsRedirect,
            .default_text = "false",
            .block = BlockOf<HttpsRedirect>,
            .schema = R"({"type": "boolean"})"},
      Field{.key = "tls",
            .type = T::kBlock,
            .doc = "TLS to clients; absent: none.",
            .form = "{certificates: [{certFile: tls.crt, keyFile: tls.key}]}",
            .decode = Into<&Listener::tls>,
            .block = BlockOf<ListenerTls>},
      Field{.key = "protocols",
            .type = T::kChoice,
            .doc = "What clients may speak: ALPN with tls; without it h2 is taken with prior knowledge.",
            .decode = Into<&Listener::protocols>,
            .default_text = "[h2, http/1.1] with tls, else [http/1.1]",
            .choices = kListenerProtocols,
            .list = true,
            .non_empty = true},
      Field{.key = "proxyProtocol",
            .type = T::kBlock,
            .doc = "PROXY protocol of clients; absent: none.",
            .form = "{from: [$10.0.0.0/8]}",
            .decode = Into<&Listener::proxy_protocol>,
            .block = BlockOf<ProxyProtocol>},
      Field{.key = "limits",
            .type = T::kBlock,
            .doc = "Limits of this listener, in place of the process's.",
            .form = "{maxConnections: 10000}",
            .decode = Into<&Listener::limits>,
            .block = BlockOf<Limits>},
  };
  static const BlockSpec kBlock{.name = "a listener", .doc = "An address that takes connections.", .fields = kFields};
  return kBlock;
}

}  // namespace headgate::config
