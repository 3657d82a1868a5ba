// X-Forwarded-*, X-Real-IP: who the client is, and what the upstream is told about it. The pure part.
// Stateless functions.
// Any thread. Allocates in the head's arena only.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/ip.h"
#include "http/message.h"

namespace headgate::http {

struct ForwardingInput {
  base::IpAddress peer;                   // the other end of the connection (or of its PROXY header)
  std::span<const base::Cidr> trusted{};  // trustedProxies
  Scheme scheme = Scheme::kHttp;          // the transport's
  uint16_t public_port = 0;               // that clients reach the listener by
  // The peer as text if the caller has it at hand (it outlives the head), else empty.
  std::string_view peer_text{};
};

// Returns the client's address: the peer's, or, when that is trusted, the first from the right of X-Forwarded-For that
// is not (the leftmost when all are; nothing is believed left of an element that is no address).
// An untrusted peer's X-Forwarded-*, X-Real-IP, X-Request-Id and Forwarded are removed. X-Forwarded-For gets the peer
// appended, X-Real-IP is the client; -Proto, -Host and -Port are set, except where a trusted peer sent sound ones: of a
// list, in one line or several, the first counts (`ws` and `wss` are http and https); the head's scheme is then what
// -Proto says.
// X-Request-Id is the caller's to set when none is left.
base::IpAddress ApplyForwarding(const ForwardingInput& input, RequestHead& head);

// Removes X-Forwarded-*, X-Real-IP, X-Request-Id and Forwarded.
void RemoveForwardingFields(HeaderMap& headers) noexcept;

}  // namespace headgate::http
