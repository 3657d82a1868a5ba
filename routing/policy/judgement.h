// What a route says to a request by the request's head alone. Pure: the request path and `explain` ask the same
// functions. The code kNone means that nothing speaks against the request.
// Functions.
// Any thread.
#pragma once

#include "base/error.h"
#include "base/ip.h"
#include "http/message.h"
#include "routing/policy/listener.h"
#include "routing/policy/route.h"

namespace headgate::routing {

// ---- filters; their order is that of proxy/filters/chain.cc. `client` is the one behind trusted proxies ----
base::Error JudgeAccess(const RoutePolicy& route, const http::RequestHead& head, const base::IpAddress& client);
base::Error JudgeWebSocket(const RoutePolicy& route, const http::RequestHead& head, const base::IpAddress& client);
// Of a body whose length the head states; others are counted as they come.
base::Error JudgeBodySize(const RoutePolicy& route, const http::RequestHead& head, const base::IpAddress& client);

// ---- a split ----
// ChooseBackend found none.
inline constexpr base::Error kNoWeight{base::ErrorCode::kNoBackends, base::Side::kProxy, base::Retry::kNever,
                                       "every weight is 0"};

// ---- answers of a route's or a listener's own ----
// A redirect that would lead back to where the request came, as that has no host; a response that would open a tunnel.
base::Error JudgeOwnAnswer(const RoutePolicy& route, const http::RequestHead& head);
base::Error JudgeHttpsRedirect(const http::RequestHead& head);

// Over HTTP/2 any 2xx accepts a WebSocket (RFC 8441 5): what accepts none must have another status.
inline bool A2xxOpensTunnel(const http::RequestHead& request) noexcept {
  return request.wants_websocket && request.version == http::Version::kHttp2;
}

}  // namespace headgate::routing
