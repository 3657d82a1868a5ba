#include "metrics/gzip.h"

#include <zlib.h>

#include <array>
#include <cstddef>

#include "base/check.h"

namespace headgate::metrics {
namespace {

constexpr int kGzipWindowBits = 15 + 16;
constexpr int kLevel = 1;  // a scrape is repetitive text: more effort gains little
constexpr int kMemoryLevel = 8;

}  // namespace

struct GzipStream::State {
  z_stream stream{};
  std::array<char, size_t{32} * 1024> out;
};

GzipStream::GzipStream(const Sink& sink) : sink_(sink), state_(std::make_unique<State>()) {
  // Only fails without memory.
  HG_CHECK(deflateInit2(&state_->stream, kLevel, Z_DEFLATED, kGzipWindowBits, kMemoryLevel, Z_DEFAULT_STRATEGY) ==
           Z_OK);
}

GzipStream::~GzipStream() { deflateEnd(&state_->stream); }

void GzipStream::Write(std::string_view bytes) {
  state_->stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  state_->stream.avail_in = static_cast<uInt>(bytes.size());
  Deflate(Z_NO_FLUSH);
}

void GzipStream::Finish() { Deflate(Z_FINISH); }

void GzipStream::Deflate(int flush) {
  z_stream& stream = state_->stream;
  do {
    stream.next_out = reinterpret_cast<Bytef*>(state_->out.data());
    stream.avail_out = static_cast<uInt>(state_->out.size());
    deflate(&stream, flush);
    const size_t made = state_->out.size() - stream.avail_out;
    if (made != 0) sink_({state_->out.data(), made});
  } while (stream.avail_out == 0);
}

}  // namespace headgate::metrics
