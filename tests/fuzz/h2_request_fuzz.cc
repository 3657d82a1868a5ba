// HTTP/2 requests, put together from the input or taken from it as they are. What the session takes for a good request
// is written as HTTP/1, and a naive reader must find exactly one request with the same fields and the same body in it.
// Pieces make no difference.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "base/arena.h"
#include "base/slab.h"
#include "http/h1/decoder.h"
#include "http/h1/encoder.h"
#include "http/h2/session.h"
#include "naive_http.h"

namespace {

using headgate::base::Arena;
using headgate::base::BlockPool;
using headgate::base::Chain;
using headgate::base::SlabPool;
using headgate::base::SlabRef;
using headgate::http::BodyKind;
using headgate::http::HeaderField;
using headgate::http::RequestHead;
using headgate::http::Scheme;
namespace base = headgate::base;
namespace h1 = headgate::http::h1;
namespace h2 = headgate::http::h2;

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

// ---- frames ----

constexpr std::string_view kHello("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
enum Type : char { kData = 0, kHeaders = 1, kContinuation = 9 };

std::string Frame(Type type, int flags, uint32_t id, std::string_view payload) {
  std::string frame;
  for (const int shift : {16, 8, 0}) frame += static_cast<char>(payload.size() >> shift);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>(id >> shift);
  return frame.append(payload);
}

std::string HpackField(std::string_view name, std::string_view value) {
  std::string field(1, '\0');
  for (const std::string_view text : {name, value}) {
    const std::string_view kept = text.substr(0, 126);  // a length that fits seven bits
    field += static_cast<char>(kept.size());
    field += kept;
  }
  return field;
}

// ---- requests made of the input ----

constexpr std::string_view kNames[] = {
    ":method",         ":path",  ":authority",   ":scheme",    ":protocol",         ":status",   "host",
    "content-length",  "cookie", "te",           "connection", "transfer-encoding", "expect",    "upgrade",
    "x-forwarded-for", "accept", "content-type", "keep-alive", "sec-websocket-key", "x_real_ip", "http2-settings",
    "proxy-connection"};
constexpr std::string_view kValues[] = {"GET",       "POST",    "OPTIONS", "CONNECT",      "/",       "*",
                                        "/a/../b?c", "/%2e%2e", "a.test",  "a.test:8080",  "http",    "https",
                                        "websocket", "5",       "0",       "100-continue", "chunked", "trailers"};

class Input {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint8_t Byte() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(bytes_[0]);
    bytes_.remove_prefix(1);
    return byte;
  }
  std::string_view Text(size_t size) {
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(text.size());
    return text;
  }
  // One of `choices`, or text of the input.
  template <size_t N>
  std::string_view Pick(const std::string_view (&choices)[N]) {
    const uint8_t which = Byte();
    return which < N ? choices[which] : Text(which % 16);
  }

 private:
  std::string_view bytes_;
};

std::string Block(Input& input, size_t fields) {
  std::string block;
  for (size_t i = 0; i < fields; ++i) {
    const std::string_view name = input.Pick(kNames);
    block += HpackField(name, input.Pick(kValues));
  }
  return block;
}

std::string StandardBlock(Input& input, uint8_t shape) {
  std::string block = HpackField(":method", (shape & 1) != 0 ? "POST" : "GET");
  block += HpackField(":scheme", "http");
  if ((shape & 2) == 0) block += HpackField(":authority", "a.test");
  block += HpackField(":path", (shape & 4) != 0 ? std::string("/") + std::string(input.Text(8)) : "/path?query");
  return block;
}

std::string HeaderFrames(Input& input, uint32_t id, std::string_view block, bool end) {
  const size_t cut = input.Byte() % 4 == 0 ? block.size() / 2 : block.size();
  const int flags = (end ? 1 : 0) | (cut == block.size() ? 4 : 0);
  std::string frames = Frame(kHeaders, flags, id, block.substr(0, cut));
  if (cut < block.size()) frames += Frame(kContinuation, 4, id, block.substr(cut));
  return frames;
}

std::string Requests(Input input) {
  std::string frames;
  for (uint32_t id = 1; !input.empty() && id < 16; id += 2) {
    const uint8_t shape = input.Byte();
    std::string block = (shape & 8) != 0 ? "" : StandardBlock(input, shape);
    block += Block(input, shape >> 5);
    const size_t pieces = input.Byte() % 4;
    frames += HeaderFrames(input, id, block, pieces == 0);
    for (size_t i = 1; i <= pieces; ++i) {
      const bool trailers = i == pieces && (shape & 16) != 0;
      const std::string_view data = input.Text(input.Byte() % 8);
      if (!trailers) frames += Frame(kData, i == pieces ? 1 : 0, id, data);
      if (trailers) frames += HeaderFrames(input, id, Block(input, 1 + input.Byte() % 2), true);
    }
  }
  return frames;
}

// ---- the session ----

struct TestStream : h2::Stream {
  explicit TestStream(SlabPool& pool) : arena(pool), head(arena) {
    ResetStream(arena, headgate::http::Method::kGet);
    request = &head;
  }
  Arena arena;
  RequestHead head;
  Chain body;
  bool complete = false;
};

struct Server : h2::StreamSource {
  Server() : session(Config(), this, pool, blocks, now) {}
  static h2::SessionConfig Config() {
    h2::SessionConfig config;
    config.streams_max = 10'000;
    return config;
  }
  h2::Stream* NewStream(int32_t id) override {
    auto stream = std::make_unique<TestStream>(pool);
    return (streams[id] = std::move(stream)).get();
  }
  void Feed(std::string_view bytes, size_t piece) {
    while (!bytes.empty()) {
      const size_t size = std::min({piece, bytes.size(), base::kSlabBytes});
      SlabRef slab = pool.Take();
      std::memcpy(slab->data(), bytes.data(), size);
      const bool alive = session.Feed(slab, {slab->data(), size});
      bytes.remove_prefix(size);
      Look();
      Require(session.held_bytes() <= Config().held_bytes_max, "what is held is bounded");
      if (!alive) break;
    }
    Chain out;
    session.Produce(out, 1 << 20);
    Look();
  }
  void Look() {
    while (h2::Stream* found = session.Next()) {
      auto& stream = static_cast<TestStream&>(*found);
      stream.complete |= stream.news().head && stream.head_error().code == base::ErrorCode::kNone;
      stream.ClearNews();
      session.TakeBody(stream, stream.body, SIZE_MAX);
    }
  }

  SlabPool pool;
  BlockPool blocks{0};
  base::Instant now{};
  std::map<int32_t, std::unique_ptr<TestStream>> streams;
  h2::Session session;
};

std::string TextOf(const Chain& chain) {
  std::string text;
  for (size_t i = 0; i < chain.slices(); ++i) text += chain[i].view();
  return text;
}

std::string Encode(const RequestHead& head) {
  std::string out(h1::EncodedBound(head), '\0');
  const size_t bytes = h1::EncodeRequestHead(head, head.wants_websocket, out);
  Require(bytes != 0, "EncodedBound is enough");
  out.resize(bytes);
  return out;
}

// ---- what must be so ----

void CheckRequestLine(std::string_view line, const RequestHead& head) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  Require(first != std::string_view::npos && last > first, "three parts");
  Require(line.substr(0, first) == headgate::http::MethodName(head.method), "the method");
  Require(line.substr(last) == " HTTP/1.1", "the version");
  const std::string_view target = line.substr(first + 1, last - first - 1);
  Require(target.starts_with('/') || target == "*", "a path");
  for (const char c : target) Require(c > 0x20 && c < 0x7f && c != '#', "visible characters in the target");
}

void CheckFields(const naive::Fields& fields, const RequestHead& head) {
  size_t hosts = 0;
  size_t same = 0;
  const auto kept = head.headers.fields();
  for (const auto& [name, value] : fields) {
    if (name == "host") {
      ++hosts;
      Require(value == head.authority, "host is the authority");
      continue;
    }
    const bool ours = name == "connection" || name == "upgrade" || name == "te" || name == "expect" ||
                      name == "content-length" || name == "transfer-encoding";
    if (same < kept.size() && kept[same].name == name && kept[same].value == value) {
      Require(!ours, "no field that framing knows passes through");
      ++same;
    } else {
      Require(ours, "a field is one that came, or ours");
    }
  }
  Require(hosts == 1, "one host");
  Require(same == kept.size(), "every field arrives");
}

void CheckHead(const RequestHead& head) {
  const std::string text = Encode(head);
  const auto lines = naive::Lines(text);
  Require(lines.has_value() && lines->size() >= 3 && lines->back().empty(), "the lines end in CRLF");
  for (size_t i = 0; i + 1 < lines->size(); ++i) Require(!(*lines)[i].empty(), "one empty line, the last");
  CheckRequestLine(lines->front(), head);
  const auto fields = naive::ParseFields(*lines, 1, lines->size() - 1);
  Require(fields.has_value(), "every line is a field");
  CheckFields(*fields, head);
  const auto framing = naive::FramingOf(*fields, false);
  Require(framing.has_value(), "the framing is not ambiguous");
  using Kind = naive::Framing::Kind;
  Require((framing->kind == Kind::kChunked) == (head.body.kind == BodyKind::kChunked), "chunked or not");
  Require((framing->kind == Kind::kLength) == (head.body.kind == BodyKind::kLength), "length or not");
  Require(framing->kind != Kind::kLength || framing->length == head.body.length, "the same length");
}

// HTTP/1's own decoder reads the same out of it.
void CheckDecoding(const RequestHead& head) {
  if (head.wants_websocket) return;  // its key is made when it is sent
  std::string text = Encode(head);
  SlabPool pool;
  Arena arena(pool);
  RequestHead again(arena);
  h1::HeadLimits limits;
  limits.head_bytes *= 4;
  limits.fields *= 2;
  limits.target_bytes *= 4;
  Require(h1::DecodeRequestHead(text, limits, head.scheme, arena, again).ok(), "what is encoded can be decoded");
  Require(again.method == head.method && again.path == head.path && again.query == head.query, "the same target");
  Require(again.host == head.host && again.port == head.port, "the same host");
  Require(again.headers.size() == head.headers.size(), "the same fields");
}

void CheckBody(const TestStream& stream) {
  const std::string body = TextOf(stream.body);
  const RequestHead& head = stream.head;
  if (head.wants_websocket) return;
  if (head.body.kind == BodyKind::kNone) Require(body.empty(), "no body");
  if (head.body.kind == BodyKind::kLength) {
    Require(body.size() <= head.body.length, "not more than announced");
    Require(!stream.remote_ended() || body.size() == head.body.length, "not less than announced");
  }
  if (head.body.kind != BodyKind::kChunked || !stream.remote_ended()) return;
  char size[h1::kChunkHeaderBytes];
  std::string framed;
  if (!body.empty()) {
    framed.append(size, h1::EncodeChunkHeader(body.size(), size));
    framed += body;
    framed += h1::kChunkEnd;
  }
  if (stream.trailers() != nullptr) {
    std::string last(20'000, '\0');
    last.resize(h1::EncodeLastChunk(*stream.trailers(), last));
    framed += last;
  } else {
    framed += h1::kLastChunk;
  }
  const auto chunked = naive::ParseChunked(framed + "GET / HTTP/1.1\r\n");
  Require(chunked.has_value() && chunked->bytes == framed.size() && chunked->data == body, "the same body");
}

void CheckSame(const Server& one, const Server& other) {
  // Refusals depend on what came before. After a client's GOAWAY nghttp2 reads on to the end of what it was given.
  if (one.session.refused_streams() + other.session.refused_streams() > 0 || one.session.goaway_received()) return;
  Require(one.streams.size() == other.streams.size(), "pieces make no difference to how many");
  for (const auto& [id, stream] : one.streams) {
    const auto found = other.streams.find(id);
    Require(found != other.streams.end(), "pieces make no difference to which");
    const TestStream& twin = *found->second;
    Require(stream->complete == twin.complete && stream->malformed() == twin.malformed(), "nor to whether");
    Require(stream->head_error().code == twin.head_error().code, "nor to why not");
    Require(!stream->complete || Encode(stream->head) == Encode(twin.head), "nor to what");
    // Of a frame that goes too far, what came before that was seen is kept.
    Require(stream->malformed() || TextOf(stream->body) == TextOf(twin.body), "nor to the body");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const bool raw = data[0] % 4 == 0;
  const size_t piece = 1 + data[1] % 32;
  const std::string_view rest = input.substr(2);
  const std::string bytes = std::string(kHello) + (raw ? std::string(rest) : Requests(Input(rest)));
  Server whole;
  whole.Feed(bytes, base::kSlabBytes);
  Server pieces;
  pieces.Feed(bytes, piece);
  CheckSame(whole, pieces);
  for (const auto& [id, stream] : whole.streams) {
    if (!stream->complete) continue;
    CheckHead(stream->head);
    CheckDecoding(stream->head);
    CheckBody(*stream);
  }
  return 0;
}
