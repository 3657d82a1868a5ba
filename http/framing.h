// The wall against request smuggling: judges the fields of a message whatever codec they came from, decides the body's
// framing and strips what belongs to one hop (RFC 9110 7.6.1, RFC 9112 6.3, 9.3; RFC 9113 8.2.2).
// Stateless functions.
// Any thread.
#pragma once

#include "base/error.h"
#include "http/message.h"

namespace headgate::http {

// Reads and removes Host, Content-Length, Transfer-Encoding, Connection, what Connection names, Keep-Alive,
// Proxy-Connection, Upgrade, TE, HTTP2-Settings, Expect, Trailer as its rules say, and fills body, keep_alive,
// expect_continue, wants_websocket, te_trailers, is_grpc, authority. Errors as in http.md's framing table.
base::Result<void> JudgeRequest(RequestHead& head) noexcept;
// The same for a response to `method` (identical repeated Content-Length is tolerated). 101, 1xx, 204, 304, HEAD: no body.
base::Result<void> JudgeResponse(ResponseHead& head, Method method) noexcept;
// A trailer section: framing, authentication and forwarding names are errors (RFC 9110 6.5.1).
base::Result<void> JudgeTrailers(const HeaderMap& trailers, base::Side side) noexcept;

// RFC 9110 5.1, 5.5: a token; visible characters, obs-text, space and tab inside.
bool IsFieldName(std::string_view name) noexcept;
bool IsFieldValue(std::string_view value) noexcept;

}  // namespace headgate::http
