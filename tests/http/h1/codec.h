// Decodes heads and bodies from literals, for the tests of http/h1.
// On the test's stack; keeps the bytes alive that the head's text points into.
// One thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "base/slab.h"
#include "http/h1/decoder.h"
#include "http/h1/encoder.h"

namespace headgate::http::h1 {

struct RequestDecode {
  explicit RequestDecode(std::string text, Scheme scheme = Scheme::kHttp, HeadLimits limits = {})
      : bytes(std::move(text)), arena(pool), head(arena) {
    const base::Result<void> result = DecodeRequestHead(bytes, limits, scheme, arena, head);
    error = result.error();
  }
  bool ok() const { return error.code == base::ErrorCode::kNone; }
  std::string_view detail() const { return error.detail; }
  std::string Encoded(bool upgrade = false) const {
    std::string out(EncodedBound(head), '\0');
    out.resize(EncodeRequestHead(head, upgrade, out));
    return out;
  }

  std::string bytes;
  base::SlabPool pool;
  base::Arena arena;
  RequestHead head;
  base::Error error;
};

struct ResponseDecode {
  explicit ResponseDecode(std::string text, Method method = Method::kGet, HeadLimits limits = {})
      : bytes(std::move(text)), arena(pool), head(arena) {
    const base::Result<void> result = DecodeResponseHead(bytes, limits, method, arena, head);
    error = result.error();
  }
  bool ok() const { return error.code == base::ErrorCode::kNone; }
  std::string_view detail() const { return error.detail; }
  std::string Encoded(const ResponseOptions& options = {}) const {
    std::string out(EncodedBound(head) + options.date.size(), '\0');
    out.resize(EncodeResponseHead(head, options, out));
    return out;
  }

  std::string bytes;
  base::SlabPool pool;
  base::Arena arena;
  ResponseHead head;
  base::Error error;
};

// Feeds a body in pieces whose ends are `cuts`, and collects what comes out.
struct BodyDecode {
  BodyDecode(Body body, std::string_view input, const std::vector<size_t>& cuts = {},
             base::Side side = base::Side::kClient, bool keep_trailers = true)
      : arena(pool), trailers(arena) {
    BodyDecoder decoder;
    decoder.Start(body, side, keep_trailers ? &trailers : nullptr);
    size_t from = 0;
    std::vector<size_t> ends = cuts;
    ends.push_back(input.size());
    for (const size_t end : ends) {
      const std::string piece(input.substr(from, end - from));  // its own memory: views into others would be found
      if (!Feed(decoder, piece)) return;
      from = end;
    }
    clean_at_end = decoder.EndOfInputIsClean();
  }

  base::SlabPool pool;
  base::Arena arena;
  HeaderMap trailers;
  std::string data;
  size_t consumed = 0;
  bool ended = false;
  bool clean_at_end = false;
  base::Error error;

 private:
  // False when the body ended or failed.
  bool Feed(BodyDecoder& decoder, std::string_view piece) {
    while (true) {
      const BodyDecoder::Step step = decoder.Next(piece);
      consumed += step.consumed;
      data += step.data;
      piece.remove_prefix(step.consumed);
      switch (step.event) {
        case BodyDecoder::Event::kNeedMore:
          return true;
        case BodyDecoder::Event::kData:
          break;
        case BodyDecoder::Event::kEnd:
          ended = clean_at_end = true;
          return false;
        case BodyDecoder::Event::kError:
          error = step.error;
          return false;
      }
    }
  }
};

}  // namespace headgate::http::h1
