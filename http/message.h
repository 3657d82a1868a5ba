// The message model: what every codec parses into and every codec writes from. Received framing never leaves it.
// Owned by an exchange; text lives in the head's slab or the exchange's arena.
// One thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "http/header_map.h"
#include "http/method.h"

namespace headgate::http {

enum class Version : uint8_t { kHttp10, kHttp11, kHttp2 };
enum class Scheme : uint8_t { kHttp, kHttps };

// How a body's end is known. kUntilClose is for responses only (RFC 9112 6.3).
enum class BodyKind : uint8_t { kNone, kLength, kChunked, kUntilClose };

struct Body {
  BodyKind kind = BodyKind::kNone;
  uint64_t length = 0;  // bytes, for kLength
};

class ConnectionOptions;

struct RequestHead {
  explicit RequestHead(base::Arena& arena) noexcept : headers(arena) {}

  Method method = Method::kGet;
  Version version = Version::kHttp11;
  Scheme scheme = Scheme::kHttp;  // the transport's, then the client's if a trusted proxy names it (http/forwarding)
  // As the client sent it: Host or :authority or the absolute form's; what is forwarded unless rewritten.
  std::string_view authority;
  // Normalised host without port: lower case, no trailing dot; brackets kept around IPv6. For routing and metrics.
  std::string_view host;
  uint16_t port = 0;  // of the authority; 0 when it has none
  // Normalised path as it is forwarded: begins with '/', or "*" for OPTIONS *.
  std::string_view path;
  // The path with `//` merged: for matching only (the same text when there was none to merge).
  std::string_view match_path;
  std::string_view query;  // without '?'; as it came
  bool has_query = false;  // a '?' alone is forwarded too
  HeaderMap headers;       // without Host, Content-Length, Transfer-Encoding, Connection and what it named
  Body body;
  const ConnectionOptions* connection = nullptr;  // of a chunked body's head that named fields: they are no trailers
  bool keep_alive = true;                         // the client's wish and version
  bool expect_continue = false;
  bool wants_websocket = false;  // a well-formed Upgrade: websocket (RFC 6455 4.2.1), or :protocol
  bool te_trailers = false;      // TE: trailers
  bool is_grpc = false;          // content-type application/grpc...
};

struct ResponseHead {
  explicit ResponseHead(base::Arena& arena) noexcept : headers(arena) {}

  uint16_t status = 0;  // 100 to 599
  Version version = Version::kHttp11;
  HeaderMap headers;  // without Content-Length, Transfer-Encoding, Connection and what it named
  Body body;
  const ConnectionOptions* connection = nullptr;  // as in a request
  bool keep_alive = true;                         // of the upstream's connection
  uint32_t keep_alive_seconds = 0;                // the timeout in its Keep-Alive; 0: none was stated
  // For answers without a body (HEAD, 304) the Content-Length that the upstream stated: forwarded, not framing.
  bool has_stated_length = false;
  uint64_t stated_length = 0;
};

}  // namespace headgate::http
