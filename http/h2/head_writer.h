// Lists a head's fields for nghttp2: pseudo headers first (RFC 9113 8.3), then the fields, then what framing says.
// Owned by a session; what it returns is good until the next call.
// One thread. No allocation once it has grown.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace headgate::http::h2 {

class HeadWriter {
 public:
  HeadWriter() noexcept;
  ~HeadWriter();
  HeadWriter(const HeadWriter&) = delete;
  HeadWriter& operator=(const HeadWriter&) = delete;

  // `connect_protocol`: extended CONNECT for websocket (RFC 8441 4).
  std::span<const nghttp2_nv> Request(const RequestHead& head, Scheme scheme, bool connect_protocol);
  // `date` is added to a final response that has none. A 101 is written as 200 (RFC 8441 5).
  std::span<const nghttp2_nv> Response(const ResponseHead& head, std::string_view date);
  std::span<const nghttp2_nv> Trailers(const HeaderMap& trailers);

 private:
  void Add(std::string_view name, std::string_view value);
  void AddFields(const HeaderMap& headers, bool handshake);
  void AddLength(uint64_t length);
  void AddResponseLength(const ResponseHead& head);

  std::vector<nghttp2_nv> fields_;
  std::vector<char> path_;  // with its query
  char status_[3];
  char length_[20];
};

}  // namespace headgate::http::h2
