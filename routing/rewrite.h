// Applies a route's rewrite to a request head, and composes a redirect's Location.
// Pure functions; text lives in the head's arena.
// Any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "http/message.h"
#include "routing/policy/listener.h"
#include "routing/route_table.h"

namespace headgate::routing {

// Changes path and authority as the route says; host, match_path and query stay (metrics and the log know the request
// as it came). The result is normalised again; a rewrite that leaves no valid path is an error (500, kInternal) and
// never forwarded. A prefix takes the place of what the route's prefix covered (of all of an exact path; before the
// path where a pattern matched). An expression looks at the path with `//` merged where it does not match the path as
// it came; a result without a slash in front gets one. `OPTIONS *` keeps its target.
base::Result<void> ApplyRewrite(const RewritePolicy& rewrite, const Match& match, http::RequestHead& head) noexcept;

// The Location of a redirect (RFC 9110 10.2.2), absolute (a path alone for HTTP/1.0 without Host). The query is kept
// unless the new path has its own. Without `port` a redirect that names a scheme goes to that scheme's port, another to
// `public_port`, the listener's, of which 80 and 443 are left out: clients may reach it by both schemes.
std::string_view ComposeLocation(const RedirectAction& redirect, const Match& match, uint16_t public_port,
                                 const http::RequestHead& head);
// The Location of a listener's httpsRedirect.
std::string_view ComposeHttpsLocation(const HttpsRedirectPolicy& redirect, const http::RequestHead& head);
// Whether a listener's httpsRedirect takes this request: not one that came by https to a trusted proxy, nor the
// excepted paths and /.well-known/acme-challenge/.
bool GoesToHttps(const HttpsRedirectPolicy& redirect, const http::RequestHead& head) noexcept;

}  // namespace headgate::routing
