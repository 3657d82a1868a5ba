// Requests as bytes: head and body. A request that the decoder takes is one that a naive reading takes too, with the
// same fields and the same body; what it encodes to decodes to the same; pieces make no difference.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/arena.h"
#include "base/slab.h"
#include "http/h1/decoder.h"
#include "http/h1/encoder.h"
#include "naive_http.h"

namespace {

using headgate::base::Arena;
using headgate::base::SlabPool;
using headgate::http::BodyKind;
using headgate::http::RequestHead;
using headgate::http::Scheme;
namespace h1 = headgate::http::h1;

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

std::string Encode(const RequestHead& head) {
  std::string out(h1::EncodedBound(head), '\0');
  const size_t bytes = h1::EncodeRequestHead(head, head.wants_websocket, out);
  Require(bytes != 0, "EncodedBound is enough");
  out.resize(bytes);
  return out;
}

void CheckAgainstNaive(std::string_view text, const RequestHead& head) {
  const auto lines = naive::Lines(text);
  Require(lines.has_value() && lines->size() >= 2 && lines->back().empty(), "the lines end in CRLF");
  const auto fields = naive::ParseFields(*lines, 1, lines->size() - 1);
  Require(fields.has_value(), "every line is a field");
  const auto framing = naive::FramingOf(*fields, false);
  Require(framing.has_value(), "the framing is not ambiguous");
  Require((framing->kind == naive::Framing::Kind::kChunked) == (head.body.kind == BodyKind::kChunked),
          "chunked or not");
  Require((framing->kind == naive::Framing::Kind::kLength) == (head.body.kind == BodyKind::kLength), "length or not");
  if (framing->kind == naive::Framing::Kind::kLength) Require(framing->length == head.body.length, "the same length");
  // What is left is a subsequence of what came, unchanged.
  size_t at = 0;
  for (const auto& field : head.headers.fields()) {
    while (at < fields->size() && ((*fields)[at].first != field.name || (*fields)[at].second != field.value)) ++at;
    Require(at++ < fields->size(), "a field is one that came");
  }
}

void CheckEncoding(const RequestHead& head) {
  const std::string first = Encode(head);
  std::string bytes = first;
  SlabPool pool;
  Arena arena(pool);
  RequestHead again(arena);
  h1::HeadLimits limits;
  limits.head_bytes *= 4;  // encoding bytes above 0x7f makes a target longer
  limits.fields *= 2;
  limits.target_bytes *= 4;
  h1::HeadScanner scanner;
  Require(scanner.Scan(first) == first.size(), "an encoded head ends where it ends");
  const auto result = h1::DecodeRequestHead(bytes, limits, head.scheme, arena, again);
  if (head.authority.empty()) return;  // HTTP/1.0 without Host
  Require(result.ok(), "what is encoded can be decoded");
  if (head.version == headgate::http::Version::kHttp11) Require(Encode(again) == first, "encoding is stable");
  Require(again.path == head.path && again.match_path == head.match_path && again.query == head.query, "same target");
  Require(again.host == head.host && again.port == head.port, "same host");
}

void CheckBody(const RequestHead& head, std::string_view rest, size_t cut) {
  std::string whole;
  for (const bool in_pieces : {false, true}) {
    h1::BodyDecoder decoder;
    decoder.Start(head.body, headgate::base::Side::kClient, nullptr);
    std::string data;
    size_t consumed = 0;
    bool failed = false;
    while (!failed) {
      const size_t end = in_pieces && consumed < cut ? cut : rest.size();
      const std::string piece(rest.substr(consumed, end - consumed));
      const auto step = decoder.Next(piece);
      data += step.data;
      consumed += step.consumed;
      failed = step.event == h1::BodyDecoder::Event::kError;
      if (step.event == h1::BodyDecoder::Event::kEnd) break;
      if (step.event == h1::BodyDecoder::Event::kNeedMore && consumed >= rest.size()) break;
    }
    if (!in_pieces) whole = data;
    Require(data == whole, "pieces make no difference");
    if (head.body.kind != BodyKind::kChunked || !decoder.finished()) continue;
    const auto chunked = naive::ParseChunked(rest);
    Require(chunked.has_value(), "the naive reader finds the end as well");
    Require(chunked->bytes == consumed && chunked->data == data, "the same body, the same end");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view text = input.substr(h1::LeadingEmptyLines(input));
  h1::HeadScanner scanner;
  const size_t cut = size == 0 ? 0 : data[size - 1] % (size + 1);
  scanner.Scan(text.substr(0, std::min(cut, text.size())));
  const size_t head_bytes = scanner.Scan(text);
  const bool partial_ok = h1::CheckPartialRequestHead(text.substr(0, std::min(cut, text.size())), {}).ok();
  const size_t found = text.find("\r\n\r\n");
  Require(head_bytes == (found == std::string_view::npos ? 0 : found + 4), "the scanner finds the first empty line");
  if (head_bytes == 0) {
    (void)h1::CheckPartialRequestHead(text, {});
    return 0;
  }
  std::string bytes(text.substr(0, head_bytes));
  SlabPool pool;
  Arena arena(pool);
  RequestHead head(arena);
  if (!h1::DecodeRequestHead(bytes, {}, Scheme::kHttp, arena, head).ok()) return 0;
  Require(partial_ok || cut > head_bytes, "a good head is not refused while it arrives");
  CheckAgainstNaive(text.substr(0, head_bytes), head);
  CheckEncoding(head);
  CheckBody(head, text.substr(head_bytes), cut);
  return 0;
}
