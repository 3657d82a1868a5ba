// Answers of our own: small, JSON or text by Accept, with the reason and the request id; never the upstream's address.
// A Reply and its text live in the exchange's arena; a body may live in the pinned snapshot.
// One thread: the worker's.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "http/message.h"
#include "proxy/exchange/grpc.h"
#include "routing/policy/listener.h"
#include "routing/policy/route.h"
#include "routing/route_table.h"

namespace headgate::proxy {

struct Reply {
  explicit Reply(base::Arena& arena) noexcept : head(arena) {}

  http::ResponseHead head;  // status and fields; framing follows from the body
  std::string_view body;
  std::optional<GrpcStatus> grpc;  // what a gRPC client gets in its place; none: the same as everyone
  std::string_view grpc_message;
  bool close = false;  // the client's connection cannot be used again
};

// Status, reason, retry-after and allow of an error.
void ComposeErrorReply(base::ErrorCode code, std::string_view request_id, const http::RequestHead& request,
                       Reply& reply);
// False: it would lead back to where the request came, as that has no host.
bool ComposeRedirectReply(const routing::RedirectAction& redirect, const routing::Match& match, uint16_t public_port,
                          const http::RequestHead& request, Reply& reply);
bool ComposeHttpsReply(const routing::HttpsRedirectPolicy& redirect, const http::RequestHead& request, Reply& reply);
void ComposeRespondReply(const routing::RespondAction& respond, Reply& reply);

// Over HTTP/2 any 2xx accepts a WebSocket (RFC 8441 5): what accepts none must have another status.
inline bool A2xxOpensTunnel(const http::RequestHead& request) noexcept {
  return request.wants_websocket && request.version == http::Version::kHttp2;
}

// Makes it what a gRPC client understands: a response of one head ("trailers-only").
void TurnIntoGrpc(std::string_view request_id, Reply& reply);

}  // namespace headgate::proxy
