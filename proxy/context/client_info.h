// What a request may know of the client's connection under it.
// Owned by the connection.
// One thread: the worker's.
#pragma once

#include <string_view>

#include "base/ip.h"
#include "proxy/net/tls_context.h"

namespace headgate::proxy {

struct ClientInfo {
  base::IpAddress peer;
  std::string_view peer_text;
  bool tls = false;
  std::string_view tls_version;                       // "TLSv1.3"
  std::string_view server_name;                       // SNI, lower case; empty: none
  const net::CertificateSet* certificates = nullptr;  // the set the handshake chose from; null: plain
  int certificate_index = -1;
};

}  // namespace headgate::proxy
