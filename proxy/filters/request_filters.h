// The route's filters in the order in which they judge a request's head: each says continue or refuses it.
// Stateless functions over policies; a new one is a row in request_filters.cc.
// One thread: the worker's.
#pragma once

#include "base/error.h"
#include "base/ip.h"
#include "http/message.h"
#include "proxy/context/client_info.h"
#include "routing/policy/route.h"
#include "routing/route_table.h"

namespace headgate::proxy {

struct FilterContext {
  const http::RequestHead& head;
  const ClientInfo& connection;
  const base::IpAddress& client;  // behind trusted proxies
  const routing::RoutePolicy& route;
};

// Before a route is looked for: 421 when the authority belongs to another certificate than the connection's server
// name did (RFC 9110 15.5.20). Without a server name the first certificate serves and nothing is 421.
base::Error CheckAuthority(const ClientInfo& connection, const http::RequestHead& head) noexcept;

// Of what no route of its listener takes: 421 when another listener has the host, and the client may only have taken
// this connection for that one's (RFC 9113 9.1.1), else 404.
base::Error JudgeUnrouted(const ClientInfo& connection, const http::RequestHead& head, const routing::RouteTable& table,
                          uint32_t listener) noexcept;

// The first refusal; code kNone: go on.
base::Error RunRequestFilters(const FilterContext& context) noexcept;

}  // namespace headgate::proxy
