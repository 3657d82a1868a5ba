// What went wrong with a stream of an HTTP/2 upstream, as the error that its attempt is told.
// Stateless functions.
// Any thread.
#pragma once

#include "base/error.h"
#include "http/h2/error_code.h"
#include "http/h2/stream.h"

namespace headgate::proxy {

// The upstream has not begun with this request: whatever its method, it may be sent again. `at_once`: like the reuse of
// a stale connection, as it is not the upstream's failure (a used connection went away with GOAWAY; the peer's limit
// was not known yet); else retries are the policy's matter.
base::Error NotProcessed(bool at_once, const char* detail) noexcept;
// The response broke the rules, and the session has reset the stream or will not make sense of it.
base::Error BrokenResponse(const http::h2::Stream& stream) noexcept;
// The upstream does not keep to HTTP/2 or to what we asked for.
base::Error BrokenProtocol(const char* detail) noexcept;
// The upstream reset the stream before its response was complete.
base::Error ResetByUpstream(http::h2::H2Error code) noexcept;

}  // namespace headgate::proxy
