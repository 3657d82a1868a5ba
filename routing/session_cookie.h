// Composes a cookie that keeps a user where it is.
// Stateless; the result lives in the arena.
// Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "base/clock.h"
#include "http/message.h"

namespace headgate::routing {

// The value of Set-Cookie (RFC 6265 4.1.1, SameSite of 6265bis): `key` in hexadecimal, for every path, out of reach of
// scripts, and Secure where `scheme` is https. `ttl` is rounded up to seconds; 0: until the browser ends.
std::string_view ComposeSessionCookie(std::string_view name, uint64_t key, base::Duration ttl, http::Scheme scheme,
                                      base::Arena& arena);

}  // namespace headgate::routing
