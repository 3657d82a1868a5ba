#include "http/websocket.h"

#include "http/ascii.h"

namespace headgate::http {
namespace {

// 16 bytes in base64: 22 digits and "==".
bool IsKey(std::string_view text) noexcept {
  if (text.size() != 24 || !text.ends_with("==")) return false;
  for (const char c : text.substr(0, 22)) {
    const char lower = LowerChar(c);
    if (!IsDigit(c) && (lower < 'a' || lower > 'z') && c != '+' && c != '/') return false;
  }
  return true;
}

bool IsVersion(std::string_view text) noexcept {
  uint64_t version = 0;
  return text.size() <= 3 && ParseDecimal(text, version) && version <= 255;
}

}  // namespace

const char* WebSocketHandshake::Fault() const noexcept {
  if (keys_ != 1 || !IsKey(key_)) return "a WebSocket handshake without one well-formed sec-websocket-key";
  if (versions_ != 1 || !IsVersion(version_)) return "a WebSocket handshake without one sec-websocket-version";
  return nullptr;
}

}  // namespace headgate::http
