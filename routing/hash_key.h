// What of a request decides its endpoint where an upstream hashes.
// Stateless; results live in the request or the arena.
// Any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "base/ip.h"
#include "base/rng.h"
#include "http/message.h"
#include "routing/policy/upstream.h"

namespace headgate::routing {

struct HashKey {
  uint64_t hash = 0;            // 0: the request has nothing to hash, any endpoint will do
  std::string_view set_cookie;  // the value of a Set-Cookie for a client without the cookie; else empty
};

// The same key has the same hash in every replica and release. The path is the client's, before any rewrite; of a
// header that comes twice the first field counts; a query parameter counts decoded.
HashKey HashKeyOf(const HashOnPolicy& on, const http::RequestHead& head, const base::IpAddress& client, base::Rng& rng,
                  base::Arena& arena);

}  // namespace headgate::routing
