// Whether a request came on the right connection at all: judged by its authority, without a route.
// Stateless.
// One thread: the worker's.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "http/message.h"
#include "proxy/context/client_info.h"
#include "routing/route_table.h"

namespace headgate::proxy {

// Before a route is looked for: 421 when the authority belongs to another certificate than the connection's server
// name did (RFC 9110 15.5.20). Without a server name the first certificate serves and nothing is 421.
base::Error CheckAuthority(const ClientInfo& connection, const http::RequestHead& head) noexcept;

// Of what no route of its listener takes: 421 when another listener has the host, and the client may only have taken
// this connection for that one's (RFC 9113 9.1.1), else 404.
base::Error JudgeUnrouted(const ClientInfo& connection, const http::RequestHead& head, const routing::RouteTable& table,
                          uint32_t listener) noexcept;

}  // namespace headgate::proxy
