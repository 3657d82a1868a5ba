// The wall against request smuggling: judges the fields of a message whatever codec they came from, decides the body's
// framing and strips what belongs to one hop (RFC 9110 7.6.1, RFC 9112 6.3, 9.3; RFC 9113 8.2.2).
// Stateless functions.
// Any thread.
#pragma once

#include "base/error.h"
#include "http/message.h"

namespace headgate::http {

// Reads and removes Host, Content-Length, Transfer-Encoding, Connection, what Connection names, Keep-Alive,
// Proxy-Connection, Upgrade, TE, HTTP2-Settings, Expect and names with '_' that imitate a field of ours; fills body,
// keep_alive, expect_continue (only where a body follows), wants_websocket, te_trailers, is_grpc, authority, host,
// port. Before: method, version, scheme and the fields (names lower case, both checked by IsFieldName and IsFieldValue
// or a parser as strict); authority when the target had one (absolute form, :authority), which Host must then equal.
// Errors as in docs/threat-model.md's table; the head is not usable then.
base::Result<void> JudgeRequest(RequestHead& head) noexcept;
// The same for a response to `method` (identical repeated Content-Length is tolerated). 101, 1xx, 204, 304, HEAD: no
// body.
base::Result<void> JudgeResponse(ResponseHead& head, Method method) noexcept;
// A trailer section: framing, authentication and forwarding names are errors (RFC 9110 6.5.1).
base::Result<void> JudgeTrailers(const HeaderMap& trailers, base::Side side) noexcept;

// Whether a trailer may not have this name; the first 32 bytes of a longer one will do.
bool IsBarredTrailer(std::string_view lower_case_name) noexcept;

// RFC 9110 5.1, 5.5: a token; visible characters, obs-text, space and tab inside.
bool IsFieldName(std::string_view name) noexcept;
bool IsFieldValue(std::string_view value) noexcept;

}  // namespace headgate::http
