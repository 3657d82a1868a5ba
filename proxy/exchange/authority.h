// Whether a request came on the right connection, and for the first time: what is judged without a route.
// Stateless.
// One thread: the worker's.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "http/loop_mark.h"
#include "http/message.h"
#include "proxy/context/client_info.h"
#include "routing/route_table.h"

namespace headgate::proxy {

// 508: this process forwarded the request before, or it has passed more proxies than any chain has.
inline base::Error CheckLoop(const http::LoopMark& mark, const http::RequestHead& head) noexcept {
  if (!mark.IsIn(head.headers)) return {};
  return {base::ErrorCode::kLoop, base::Side::kProxy, base::Retry::kNever,
          "the request carries this process's own mark in cdn-loop, or too many marks"};
}

// Before a route is looked for: 421 when the authority belongs to another certificate than the connection's server
// name did (RFC 9110 15.5.20). Without a server name the first certificate serves and nothing is 421.
base::Error CheckAuthority(const ClientInfo& connection, const http::RequestHead& head) noexcept;

// Of what no route of its listener takes: 421 when another listener has the host, and the client may only have taken
// this connection for that one's (RFC 9113 9.1.1), else 404.
base::Error JudgeUnrouted(const ClientInfo& connection, const http::RequestHead& head, const routing::RouteTable& table,
                          uint32_t listener) noexcept;

}  // namespace headgate::proxy
