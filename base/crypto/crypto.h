// The little cryptography that is not TLS: digests, base64, comparison in constant time. OpenSSL stays behind it.
// Stateless.
// Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace headgate::base {

// SHA-256 of `bytes` as 64 lower-case hex digits.
std::string Sha256Hex(std::string_view bytes);

// SHA-1 of `bytes`, for the WebSocket handshake only (RFC 6455 4.2.2).
std::array<uint8_t, 20> Sha1(std::string_view bytes) noexcept;

// Base64 with padding (RFC 4648 4).
std::string Base64Encode(std::string_view bytes);

// Whether both are equal. Its time depends on the lengths only.
bool ConstantTimeEqual(std::string_view a, std::string_view b) noexcept;

// The value of Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 4.2.2).
std::string WebSocketAccept(std::string_view key);

}  // namespace headgate::base
