#include "http/h1/encoder.h"

#include <algorithm>

#include "http/h1/writer.h"
#include "http/reason.h"

namespace headgate::http::h1 {
namespace {

// More than all the lines that are ours take together.
constexpr size_t kOwnLinesBytes = 320;

size_t FieldsBytes(const HeaderMap& headers) noexcept {
  size_t bytes = 0;
  for (const HeaderField& field : headers.fields()) bytes += field.name.size() + field.value.size() + 4;
  return bytes;
}

void WriteFields(const HeaderMap& headers, Writer& writer) noexcept {
  for (const HeaderField& field : headers.fields()) writer.Field(field.name, field.value);
}

void WriteContentLength(uint64_t length, Writer& writer) noexcept {
  writer.Literal("content-length: ");
  writer.Number(length);
  writer.Literal("\r\n");
}

void WriteStatusLine(uint16_t status, Writer& writer) noexcept {
  if (status == 200) return writer.Literal("HTTP/1.1 200 OK\r\n");
  writer.Literal("HTTP/1.1 ");
  writer.Number(status);
  writer.Literal(" ");
  writer.Text(ReasonPhrase(status));
  writer.Literal("\r\n");
}

// RFC 9110 8.6, RFC 9112 6.1.
void WriteResponseFraming(const ResponseHead& head, const ResponseOptions& options, Writer& writer) noexcept {
  if (head.status < 200 || head.status == 204) return;
  if (options.head_request || head.status == 304) {
    if (head.has_stated_length) return WriteContentLength(head.stated_length, writer);
    if (head.status != 304 && head.body.kind == BodyKind::kLength) WriteContentLength(head.body.length, writer);
    return;
  }
  switch (head.body.kind) {
    case BodyKind::kNone:
      return WriteContentLength(0, writer);
    case BodyKind::kLength:
      return WriteContentLength(head.body.length, writer);
    case BodyKind::kChunked:
      if (options.client_version != Version::kHttp10) writer.Literal("transfer-encoding: chunked\r\n");
      return;
    case BodyKind::kUntilClose:
      return;
  }
}

void WriteResponseConnection(const ResponseHead& head, const ResponseOptions& options, Writer& writer) noexcept {
  if (options.upgrade) return writer.Literal("connection: upgrade\r\nupgrade: websocket\r\n");
  if (head.status < 200) return;
  if (options.close) return writer.Literal("connection: close\r\n");
  if (options.client_version == Version::kHttp10) writer.Literal("connection: keep-alive\r\n");
}

}  // namespace

size_t EncodedBound(const RequestHead& head) noexcept {
  return kOwnLinesBytes + head.path.size() + head.query.size() + head.authority.size() + FieldsBytes(head.headers);
}

size_t EncodedBound(const ResponseHead& head) noexcept { return kOwnLinesBytes + FieldsBytes(head.headers); }

size_t EncodedBound(const HeaderMap& trailers) noexcept { return FieldsBytes(trailers) + kLastChunk.size(); }

size_t EncodeRequestHead(const RequestHead& head, bool upgrade, std::span<char> out) noexcept {
  if (out.size() < EncodedBound(head)) return 0;
  Writer writer(out.data());
  writer.Text(MethodName(head.method));
  writer.Literal(" ");
  writer.Value(head.path);
  if (head.has_query) {
    writer.Literal("?");
    writer.Value(head.query);
  }
  writer.Literal(" HTTP/1.1\r\n");
  writer.Field("host", head.authority);
  WriteFields(head.headers, writer);
  switch (head.body.kind) {
    case BodyKind::kNone:
      break;
    case BodyKind::kLength:
      WriteContentLength(head.body.length, writer);
      break;
    case BodyKind::kChunked:
    case BodyKind::kUntilClose:
      writer.Literal("transfer-encoding: chunked\r\n");
      break;
  }
  if (head.expect_continue) writer.Literal("expect: 100-continue\r\n");
  if (upgrade) {
    writer.Literal("connection: upgrade\r\nupgrade: websocket\r\n");
  } else if (head.te_trailers) {
    writer.Literal("te: trailers\r\nconnection: te\r\n");  // RFC 9110 10.1.4
  }
  writer.Literal("\r\n");
  return writer.size();
}

size_t EncodeResponseHead(const ResponseHead& head, const ResponseOptions& options, std::span<char> out) noexcept {
  if (out.size() < EncodedBound(head) + options.date.size()) return 0;
  Writer writer(out.data());
  WriteStatusLine(head.status, writer);
  if (head.status >= 200 && !options.date.empty() && !head.headers.Has(HeaderId::kDate)) {
    writer.Field("date", options.date);
  }
  WriteFields(head.headers, writer);
  WriteResponseFraming(head, options, writer);
  WriteResponseConnection(head, options, writer);
  writer.Literal("\r\n");
  return writer.size();
}

size_t EncodeChunkHeader(uint64_t bytes, std::span<char, kChunkHeaderBytes> out) noexcept {
  char* end = std::to_chars(out.data(), out.data() + out.size(), bytes, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return static_cast<size_t>(end - out.data());
}

size_t EncodeLastChunk(const HeaderMap& trailers, std::span<char> out) noexcept {
  if (out.size() < EncodedBound(trailers)) return 0;
  Writer writer(out.data());
  writer.Literal("0\r\n");
  WriteFields(trailers, writer);
  writer.Literal("\r\n");
  return writer.size();
}

}  // namespace headgate::http::h1
