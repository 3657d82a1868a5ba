// HTTP/1 encoding: our own framing, written from the message model (RFC 9112).
// Stateless functions.
// Any thread. No allocation.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "http/message.h"

namespace headgate::http::h1 {

// Writes a request head with its empty line: request line from path and query, Host from authority, the fields, framing
// from `head.body`, `connection: upgrade` + `upgrade: websocket` when `upgrade`. Returns the bytes written, or 0 when
// `out` is smaller than EncodedBound. Also `expect: 100-continue` when expect_continue, and `te: trailers` with
// `connection: te` when te_trailers and not `upgrade`.
size_t EncodeRequestHead(const RequestHead& head, bool upgrade, std::span<char> out) noexcept;

struct ResponseOptions {
  Version client_version = Version::kHttp11;
  bool close = false;         // connection: close (or, to a 1.0 client that asked, keep-alive when false)
  bool upgrade = false;       // 101
  bool head_request = false;  // the body is not sent, its stated length is
  // The value of Date (http/date.h) for a final response that has none; empty adds nothing.
  std::string_view date{};
};
// Framing from `head.body`: Content-Length, chunked, or neither (until close, 1xx, 204; to HEAD and with 304 what the
// upstream stated). A 1.0 client is never sent `chunked`: the caller makes the body kUntilClose and closes. Returns 0
// when `out` is smaller than EncodedBound plus options.date.
size_t EncodeResponseHead(const ResponseHead& head, const ResponseOptions& options, std::span<char> out) noexcept;

// An upper bound of what the head takes when encoded (a response's without the text of options.date).
size_t EncodedBound(const RequestHead& head) noexcept;
size_t EncodedBound(const ResponseHead& head) noexcept;
// The same of the last chunk with these trailers.
size_t EncodedBound(const HeaderMap& trailers) noexcept;

// "1f40\r\n" for the next chunk's size; out needs kChunkHeaderBytes. The chunk's data is followed by CRLF.
inline constexpr size_t kChunkHeaderBytes = 18;
size_t EncodeChunkHeader(uint64_t bytes, std::span<char, kChunkHeaderBytes> out) noexcept;
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
// "0\r\n", the trailer fields, "\r\n". Returns 0 when `out` is smaller than EncodedBound.
size_t EncodeLastChunk(const HeaderMap& trailers, std::span<char> out) noexcept;

}  // namespace headgate::http::h1
