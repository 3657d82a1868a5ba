// The client's half of a WebSocket handshake: are the fields it needs there, once, and well-formed (RFC 6455 4.2.1)?
// Owned by whoever judges a request; text is a view of the fields.
// One thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::http {

class WebSocketHandshake {
 public:
  void AddKey(std::string_view value) noexcept {
    ++keys_;
    key_ = value;
  }
  void AddVersion(std::string_view value) noexcept {
    ++versions_;
    version_ = value;
  }
  // What is wrong, as a literal; null when nothing is. Another version than 13 is the upstream's to answer (426).
  const char* Fault() const noexcept;

 private:
  std::string_view key_;
  std::string_view version_;
  uint32_t keys_ = 0;
  uint32_t versions_ = 0;
};

}  // namespace headgate::http
