// The id that a request is known by, from the client's side to the upstream's and in the log.
// A function.
// Any thread.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/crypto/random.h"
#include "http/message.h"

namespace headgate::proxy {

inline constexpr size_t kRequestIdBytes = 32;
inline constexpr size_t kRequestIdBytesMax = 128;  // that a trusted proxy may bring

// A trusted proxy's id is kept (http::ApplyForwarding has removed everyone else's); others get a new one, in the head's
// arena.
inline std::string_view TakeRequestId(http::RequestHead& request, base::RandomSource& random) {
  std::string_view id = request.headers.Get(http::HeaderId::kXRequestId);
  if (id.empty() || id.size() > kRequestIdBytesMax) {
    char* made = request.headers.arena().AllocateArray<char>(kRequestIdBytes);
    random.Hex({made, kRequestIdBytes});
    id = {made, kRequestIdBytes};
  }
  request.headers.Set(http::HeaderId::kXRequestId, id);
  return id;
}

}  // namespace headgate::proxy
