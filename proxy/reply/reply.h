// Answers of our own: small, JSON or text by Accept, with the reason and the request id; never the upstream's address.
// A Reply and its text live in the exchange's arena; a body may live in the pinned snapshot.
// One thread: the worker's.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "http/message.h"
#include "proxy/reply/grpc.h"
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
// Of a route that answers by itself, and of a listener's httpsRedirect: routing/policy/judgement has nothing against
// it.
void ComposeOwnReply(const routing::Match& match, uint16_t public_port, const http::RequestHead& request, Reply& reply);
void ComposeHttpsReply(const routing::HttpsRedirectPolicy& redirect, const http::RequestHead& request, Reply& reply);

// A malformed HTTP/2 message: its stream is reset, nothing can be said on it (RFC 9113 8.1.1).
inline bool IsNeverAnswered(const http::RequestHead& request, base::ErrorCode code) noexcept {
  return request.version == http::Version::kHttp2 &&
         (code == base::ErrorCode::kBadRequest || code == base::ErrorCode::kSmuggling);
}

// Makes it what a gRPC client understands: a response of one head ("trailers-only").
void TurnIntoGrpc(std::string_view request_id, Reply& reply);

}  // namespace headgate::proxy
