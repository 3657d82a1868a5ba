#include "proxy/upstream/websocket_key.h"

#include <array>
#include <cstdint>

#include "base/crypto/crypto.h"
#include "base/crypto/random.h"

namespace headgate::proxy {

WebSocketKey MakeWebSocketKey(base::Arena& arena) {
  std::array<uint8_t, 16> nonce;
  base::RandomBytes(nonce);
  const std::string_view bytes(reinterpret_cast<const char*>(nonce.data()), nonce.size());
  const std::string_view key = arena.Copy(base::Base64Encode(bytes));
  return {key, arena.Copy(base::WebSocketAccept(key))};
}

}  // namespace headgate::proxy
