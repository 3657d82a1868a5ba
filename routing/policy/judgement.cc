#include "routing/policy/judgement.h"

namespace headgate::routing {

using base::Error;
using base::ErrorCode;
using base::Retry;
using base::Side;

namespace {

// HTTP/1.0 without Host: a path alone would lead back to where the request came.
constexpr Error kNoHost{ErrorCode::kBadRequest, Side::kClient, Retry::kNever, "a redirect without a host"};
constexpr Error kNoTunnel{ErrorCode::kForbidden, Side::kProxy, Retry::kNever,
                          "a WebSocket on a route that answers by itself"};

}  // namespace

Error JudgeAccess(const RoutePolicy& route, const http::RequestHead&, const base::IpAddress& client) {
  if (route.access.Allows(client)) return {};
  return {ErrorCode::kForbidden, Side::kClient, Retry::kNever, "the access list refuses the client's address"};
}

Error JudgeWebSocket(const RoutePolicy& route, const http::RequestHead& head, const base::IpAddress&) {
  if (!head.wants_websocket || route.websocket) return {};
  return {ErrorCode::kForbidden, Side::kClient, Retry::kNever, "the route does not allow websocket"};
}

Error JudgeBodySize(const RoutePolicy& route, const http::RequestHead& head, const base::IpAddress&) {
  const uint64_t limit = route.max_body_bytes;
  if (limit == 0 || head.body.kind != http::BodyKind::kLength || head.body.length <= limit) return {};
  return {ErrorCode::kBodyTooLarge, Side::kClient, Retry::kNever, "content-length is above maxBodySize"};
}

Error JudgeOwnAnswer(const RoutePolicy& route, const http::RequestHead& head) {
  if (const auto* redirect = std::get_if<RedirectAction>(&route.action)) {
    const bool elsewhere = !redirect->scheme.empty() || redirect->port != 0;
    return elsewhere && redirect->hostname.empty() && head.host.empty() ? kNoHost : Error{};
  }
  const auto* respond = std::get_if<RespondAction>(&route.action);
  return respond != nullptr && respond->status < 300 && A2xxOpensTunnel(head) ? kNoTunnel : Error{};
}

Error JudgeHttpsRedirect(const http::RequestHead& head) { return head.host.empty() ? kNoHost : Error{}; }

}  // namespace headgate::routing
