// What a listener is, as plain data.
// Part of a compiled configuration: const once published.
// Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"
#include "routing/policy/limits.h"

namespace headgate::routing {

enum class TlsVersion : uint8_t { kTls12, kTls13 };

struct CertificateFiles {
  std::string cert_file;  // as resolved: absolute, or relative to the working directory
  std::string key_file;
  bool operator==(const CertificateFiles&) const = default;
};

struct HttpsRedirectPolicy {
  bool enabled = false;
  uint16_t public_port = 443;
  std::vector<std::string> except;  // normalised paths, matched by whole segments; ACME's is always excepted
  bool operator==(const HttpsRedirectPolicy&) const = default;
};

// What clients may speak; at least one. With both, a client that offers h2 by ALPN, or (without tls) opens with its
// preface, gets HTTP/2.
struct ProtocolsPolicy {
  bool http1 = true;
  bool h2 = false;
  bool operator==(const ProtocolsPolicy&) const = default;
};

struct ListenerPolicy {
  std::string name;
  base::SocketAddress address;
  bool dual_stack = false;  // [::] that takes IPv4 too
  uint16_t public_port = 0;
  bool tls = false;
  ProtocolsPolicy protocols;
  TlsVersion min_version = TlsVersion::kTls12;
  std::vector<CertificateFiles> certificates;
  HttpsRedirectPolicy https_redirect;
  std::vector<base::Cidr> proxy_protocol_from;  // peers whose connections begin with a PROXY header
  LimitsPolicy limits;
  bool operator==(const ListenerPolicy&) const = default;
};

}  // namespace headgate::routing
