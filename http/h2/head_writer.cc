#include "http/h2/head_writer.h"

#include <nghttp2/nghttp2.h>

#include <charconv>

namespace headgate::http::h2 {

HeadWriter::HeadWriter() noexcept = default;
HeadWriter::~HeadWriter() = default;

void HeadWriter::Add(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));
  };
  fields_.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
}

// `handshake`: without what only HTTP/1's WebSocket handshake has (RFC 8441 5).
void HeadWriter::AddFields(const HeaderMap& headers, bool handshake) {
  for (const HeaderField& field : headers.fields()) {
    const bool key = field.id == HeaderId::kSecWebSocketKey || field.id == HeaderId::kSecWebSocketAccept ||
                     field.id == HeaderId::kUpgrade || field.id == HeaderId::kConnection;
    if (handshake && key) continue;
    Add(field.name, field.value);
  }
}

void HeadWriter::AddLength(uint64_t length) {
  const char* end = std::to_chars(length_, length_ + sizeof length_, length).ptr;
  Add("content-length", {length_, static_cast<size_t>(end - length_)});
}

std::span<const nghttp2_nv> HeadWriter::Request(const RequestHead& head, Scheme scheme, bool connect_protocol) {
  fields_.clear();
  Add(":method", connect_protocol ? "CONNECT" : MethodName(head.method));
  if (connect_protocol) Add(":protocol", "websocket");
  Add(":scheme", scheme == Scheme::kHttps ? "https" : "http");
  if (!head.authority.empty()) Add(":authority", head.authority);
  if (head.has_query) {
    path_.assign(head.path.begin(), head.path.end());
    path_.push_back('?');
    path_.insert(path_.end(), head.query.begin(), head.query.end());
    Add(":path", {path_.data(), path_.size()});
  } else {
    Add(":path", head.path);
  }
  AddFields(head.headers, connect_protocol);
  if (head.body.kind == BodyKind::kLength && !connect_protocol) AddLength(head.body.length);
  if ((head.te_trailers || head.is_grpc) && !connect_protocol) Add("te", "trailers");
  if (head.expect_continue) Add("expect", "100-continue");
  return fields_;
}

// RFC 9110 8.6: not with 1xx and 204; with 304 and to HEAD it says what a GET would have had.
void HeadWriter::AddResponseLength(const ResponseHead& head) {
  if (head.status < 200 || head.status == 204) return;
  if (head.body.kind == BodyKind::kLength) {
    AddLength(head.body.length);
  } else if (head.has_stated_length) {
    AddLength(head.stated_length);
  }
}

std::span<const nghttp2_nv> HeadWriter::Response(const ResponseHead& head, std::string_view date) {
  fields_.clear();
  const bool tunnel = head.status == 101;
  std::to_chars(status_, status_ + sizeof status_, tunnel ? 200u : unsigned{head.status});
  Add(":status", {status_, sizeof status_});
  const bool final = head.status >= 200 || tunnel;
  if (final && !date.empty() && !head.headers.Has(HeaderId::kDate)) Add("date", date);
  AddFields(head.headers, tunnel);
  AddResponseLength(head);
  return fields_;
}

std::span<const nghttp2_nv> HeadWriter::Trailers(const HeaderMap& trailers) {
  fields_.clear();
  AddFields(trailers, false);
  return fields_;
}

}  // namespace headgate::http::h2
