#include "metrics/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "metrics/registry.h"

namespace headgate::metrics {
namespace {

std::string Gunzip(const std::string& bytes) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string text;
  std::string buffer(4096, '\0');
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = inflate(&stream, Z_NO_FLUSH);
    text.append(buffer, 0, buffer.size() - stream.avail_out);
  }
  EXPECT_EQ(status, Z_STREAM_END);
  inflateEnd(&stream);
  return text;
}

TEST(GzipTest, ManyPiecesComeBackAsOne) {
  std::string packed;
  std::string expected;
  const GzipStream::Sink sink = [&](std::string_view piece) { packed += piece; };
  GzipStream stream(sink);
  for (int i = 0; i < 20'000; ++i) {
    const std::string piece = "line " + std::to_string(i * 7919) + "\n";
    stream.Write(piece);
    expected += piece;
  }
  stream.Finish();
  EXPECT_EQ(Gunzip(packed), expected);
  EXPECT_LT(packed.size(), expected.size() / 2);
}

TEST(GzipTest, AnEmptyStreamIsAValidOne) {
  std::string packed;
  const GzipStream::Sink sink = [&](std::string_view piece) { packed += piece; };
  GzipStream stream(sink);
  stream.Finish();
  EXPECT_EQ(Gunzip(packed), "");
}

TEST(GzipTest, AScrapeAskedForInGzipHoldsTheSameFamilies) {
  const base::FakeClock clock;
  Registry registry(clock);
  const auto listener = registry.Listener("web");
  const std::string plain = registry.Scrape(false);
  const std::string unpacked = Gunzip(registry.Scrape(true));
  const size_t process = plain.find("# HELP process_");
  ASSERT_NE(process, std::string::npos);
  EXPECT_EQ(unpacked.substr(0, process), plain.substr(0, process));
}

}  // namespace
}  // namespace headgate::metrics
