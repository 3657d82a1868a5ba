// Responses as bytes; the first byte chooses the request's method. The same invariants as for requests.
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
using headgate::http::Method;
using headgate::http::ResponseHead;
namespace h1 = headgate::http::h1;

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

std::string Encode(const ResponseHead& head, Method method) {
  h1::ResponseOptions options;
  options.head_request = method == Method::kHead;
  options.upgrade = head.status == 101;
  options.close = !head.keep_alive;
  std::string out(h1::EncodedBound(head), '\0');
  const size_t bytes = h1::EncodeResponseHead(head, options, out);
  Require(bytes != 0, "EncodedBound is enough");
  out.resize(bytes);
  return out;
}

void CheckAgainstNaive(std::string_view text, const ResponseHead& head) {
  const auto lines = naive::Lines(text);
  Require(lines.has_value() && lines->size() >= 2 && lines->back().empty(), "the lines end in CRLF");
  const auto fields = naive::ParseFields(*lines, 1, lines->size() - 1);
  Require(fields.has_value(), "every line is a field");
  const auto framing = naive::FramingOf(*fields, true);
  Require(framing.has_value(), "the framing is not ambiguous");
  if (head.body.kind == BodyKind::kNone) return;
  Require((framing->kind == naive::Framing::Kind::kChunked) == (head.body.kind == BodyKind::kChunked),
          "chunked or not");
  Require((framing->kind == naive::Framing::Kind::kLength) == (head.body.kind == BodyKind::kLength), "length or not");
  if (framing->kind == naive::Framing::Kind::kLength) Require(framing->length == head.body.length, "the same length");
}

void CheckBody(const ResponseHead& head, std::string_view rest) {
  h1::BodyDecoder decoder;
  SlabPool pool;
  Arena arena(pool);
  headgate::http::HeaderMap trailers(arena);
  decoder.Start(head.body, headgate::base::Side::kUpstream, &trailers);
  std::string data;
  size_t consumed = 0;
  while (true) {
    const auto step = decoder.Next(rest.substr(consumed));
    data += step.data;
    consumed += step.consumed;
    if (step.event != h1::BodyDecoder::Event::kData) break;
  }
  if (head.body.kind != BodyKind::kChunked || !decoder.finished()) return;
  const auto chunked = naive::ParseChunked(rest);
  Require(chunked.has_value() && chunked->bytes == consumed && chunked->data == data, "the same body, the same end");
  std::string out(16 * 1024, '\0');
  const size_t bytes = h1::EncodeLastChunk(trailers, out);
  Require(bytes != 0 && naive::ParseChunked(std::string_view(out).substr(0, bytes)).has_value(), "trailers re-encode");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Method method = data[0] == 'H' ? Method::kGet : data[0] == 'h' ? Method::kHead : Method::kPost;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.front() != 'H') text.remove_prefix(1);
  h1::HeadScanner scanner;
  const size_t head_bytes = scanner.Scan(text);
  if (head_bytes == 0) return 0;
  std::string bytes(text.substr(0, head_bytes));
  SlabPool pool;
  Arena arena(pool);
  ResponseHead head(arena);
  h1::HeadLimits limits;
  limits.head_bytes = headgate::base::kUpstreamHeadBytesMax;
  if (!h1::DecodeResponseHead(bytes, limits, method, arena, head).ok()) return 0;
  CheckAgainstNaive(text.substr(0, head_bytes), head);
  CheckBody(head, text.substr(head_bytes));

  const std::string first = Encode(head, method);
  std::string encoded = first;
  Arena other(pool);
  ResponseHead again(other);
  limits.head_bytes *= 2;  // our own fields come on top
  limits.fields *= 2;
  Require(h1::DecodeResponseHead(encoded, limits, method, other, again).ok(), "what is encoded can be decoded");
  Require(Encode(again, method) == first, "encoding is stable");
  Require(again.body.kind == head.body.kind && again.body.length == head.body.length, "the same body");
  return 0;
}
