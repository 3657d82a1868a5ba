// The key of a WebSocket handshake that we make ourselves, because the client speaks HTTP/2 and has none.
// A value; its text lives in the arena it was made in.
// Any thread.
#pragma once

#include <string_view>

#include "base/arena.h"

namespace headgate::proxy {

struct WebSocketKey {
  std::string_view key;     // Sec-WebSocket-Key; empty: none was made
  std::string_view accept;  // what Sec-WebSocket-Accept must answer (RFC 6455 4.2.2)
};

WebSocketKey MakeWebSocketKey(base::Arena& arena);

}  // namespace headgate::proxy
