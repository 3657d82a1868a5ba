#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/limits.h"
#include "tests/http/h1/codec.h"

namespace headgate::http::h1 {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

constexpr Body kChunks{BodyKind::kChunked, 0};

TEST(BodyDecoder, EndsAfterItsLengthAndLeavesTheRest) {
  const BodyDecode body({BodyKind::kLength, 5}, "helloGET /");
  EXPECT_TRUE(body.ended);
  EXPECT_EQ(body.data, "hello");
  EXPECT_EQ(body.consumed, 5u);
}

TEST(BodyDecoder, IsOverAtOnceWithoutABody) {
  EXPECT_TRUE(BodyDecode({BodyKind::kNone, 0}, "GET /").ended);
  EXPECT_TRUE(BodyDecode({BodyKind::kLength, 0}, "GET /").ended);
  EXPECT_EQ(BodyDecode({BodyKind::kLength, 0}, "GET /").consumed, 0u);
}

TEST(BodyDecoder, EndOfInputIsCleanOnlyWhereTheCloseIsTheEnd) {
  EXPECT_TRUE(BodyDecode({BodyKind::kUntilClose, 0}, "hello").clean_at_end);
  EXPECT_FALSE(BodyDecode({BodyKind::kLength, 6}, "hello").clean_at_end);
  EXPECT_FALSE(BodyDecode(kChunks, "5\r\nhello\r\n").clean_at_end);
  EXPECT_FALSE(BodyDecode(kChunks, "5\r\nhello\r\n0\r\n").clean_at_end);
  EXPECT_TRUE(BodyDecode(kChunks, "5\r\nhello\r\n0\r\n\r\n").clean_at_end);
}

TEST(BodyDecoder, GivesTheSameWhereverItsInputIsCut) {
  const std::string input =
      "5\r\nhello\r\n01;a=b;c=\"d\"\r\n \r\n5 ; x\r\nworld\r\n000\r\nGrpc-Status: 0\r\nX-Empty:\r\n\r\nGET /";
  const auto check = [&input](const std::vector<size_t>& cuts) {
    const BodyDecode body(kChunks, input, cuts);
    ASSERT_TRUE(body.ended) << body.error.detail << ' ' << testing::PrintToString(cuts);
    EXPECT_EQ(body.data, "hello world");
    EXPECT_EQ(body.consumed, input.size() - 5);
    ASSERT_EQ(body.trailers.size(), 2u);
    EXPECT_EQ(body.trailers.Get(HeaderId::kGrpcStatus), "0");
    EXPECT_EQ(body.trailers.fields()[1].name, "x-empty");
  };
  for (size_t first = 0; first <= input.size(); ++first) {
    for (size_t second = first; second <= input.size(); ++second) check({first, second});
  }
  std::vector<size_t> every(input.size());
  for (size_t i = 0; i < every.size(); ++i) every[i] = i;
  check(every);
}

TEST(BodyDecoder, RefusesLooseFramingWhereverItIsCut) {
  struct Case {
    std::string input;
    std::string detail;
  };
  for (const Case& c : std::vector<Case>{{"\r\n", "without a size"},
                                         {";a\r\n", "without a size"},
                                         {" 5\r\nhello\r\n", "without a size"},
                                         {"+5\r\nhello\r\n", "without a size"},
                                         {"-5\r\nhello\r\n", "without a size"},
                                         {"0x5\r\nhello\r\n", "hexadecimal"},
                                         {"5_0\r\n", "hexadecimal"},
                                         {"g\r\n", "without a size"},
                                         {"5\nhello\r\n", "bare LF"},
                                         {"5\rhello\r\n", "bare CR"},
                                         {"5 \r\nhello\r\n", "white space behind"},
                                         {"5\t\r\nhello\r\n", "white space behind"},
                                         {"5 a\r\nhello\r\n", "white space behind"},
                                         {"5;a\nhello\r\n", "bare LF"},
                                         {"5;a\x01\r\nhello\r\n", "control"},
                                         {"5;a\rb\r\nhello\r\n", "bare CR"},
                                         {"5\r\nhello\n0\r\n\r\n", "CRLF"},
                                         {"5\r\nhello!\r\n", "longer"},
                                         {"5\r\nhello\r!", "bare CR"},
                                         {"8000000000000000\r\n", "overflows"},
                                         {"10000000000000000\r\n", "overflows"},
                                         {"00000000000000005\r\nhello\r\n", "overflows"},
                                         {"0\r\n\n", "trailer"},
                                         {"0\r\n\r!", "bare CR"},
                                         {"0\r\nA: 1\n\r\n", "bare LF"},
                                         {"0\r\nA: 1\r!", "bare CR"},
                                         {"0\r\nA: 1\r\n b\r\n\r\n", "folded"},
                                         {"0\r\n A: 1\r\n\r\n", "folded"},
                                         {"0\r\nA : 1\r\n\r\n", "colon"},
                                         {"0\r\n: 1\r\n\r\n", "empty"},
                                         {"0\r\nA\r\n\r\n", "token"},
                                         {"0\r\nA: \x01\r\n\r\n", "control"}}) {
    for (size_t cut = 0; cut <= c.input.size(); ++cut) {
      const BodyDecode body(kChunks, c.input, {cut});
      EXPECT_EQ(body.error.code, ErrorCode::kBadRequest) << c.input;
      EXPECT_THAT(std::string(body.error.detail), HasSubstr(c.detail)) << c.input;
      EXPECT_FALSE(body.ended);
    }
    EXPECT_EQ(BodyDecode(kChunks, c.input, {}, base::Side::kUpstream).error.code, ErrorCode::kUpstreamProtocol);
  }
}

TEST(BodyDecoder, RefusesForbiddenTrailersKeptOrNot) {
  for (const char* name : {"Content-Length", "Transfer-Encoding", "Host", "Authorization", "Cookie", "Set-Cookie",
                           "X-Forwarded-For", "x-forwarded-a-name-of-more-than-thirty-two-bytes", "X-Real-IP",
                           "Connection", "TE", "Trailer", "x_forwarded_for", "Content-Type"}) {
    const std::string input = "0\r\n" + std::string(name) + ": 1\r\n\r\n";
    for (const bool keep : {true, false}) {
      const BodyDecode body(kChunks, input, {}, base::Side::kClient, keep);
      EXPECT_THAT(std::string(body.error.detail), HasSubstr("in a trailer")) << name;
    }
  }
}

TEST(BodyDecoder, LeavesTheArenaAloneOnceTrailersAreDropped) {
  base::SlabPool pool;
  base::Arena arena(pool);
  HeaderMap trailers(arena);
  BodyDecoder decoder;
  decoder.Start(kChunks, base::Side::kClient, &trailers);
  EXPECT_EQ(decoder.Next("0\r\nx-a: 1").event, BodyDecoder::Event::kNeedMore);
  decoder.DropTrailers();
  arena.Reset();
  // Whoever comes next is given the same memory.
  char* const next = arena.AllocateArray<char>(base::kTrailersBytesMax);
  std::fill_n(next, base::kTrailersBytesMax, '.');
  EXPECT_EQ(decoder.Next("23\r\nx-b: 2\r\n\r\n").event, BodyDecoder::Event::kEnd);
  EXPECT_EQ(std::count(next, next + base::kTrailersBytesMax, '.'), static_cast<ptrdiff_t>(base::kTrailersBytesMax));
  EXPECT_EQ(trailers.size(), 0u);
}

TEST(BodyDecoder, BoundsExtensionsAndTrailers) {
  const std::string extension = ";" + std::string(base::kChunkExtensionBytesMax / 2 - 2, 'x');
  const auto chunk = [&extension](int more) { return "1" + extension + std::string(more, 'x') + "\r\na\r\n"; };
  EXPECT_FALSE(BodyDecode(kChunks, chunk(0)).ended);
  EXPECT_EQ(BodyDecode(kChunks, chunk(0) + chunk(0) + "0\r\n\r\n").data, "aa");
  EXPECT_EQ(BodyDecode(kChunks, chunk(0) + chunk(9)).error.code, ErrorCode::kBadRequest);

  std::string many = "0\r\n";
  for (size_t i = 0; i < base::kTrailersMax; ++i) many += "a: 1\r\n";
  EXPECT_TRUE(BodyDecode(kChunks, many + "\r\n").ended);
  EXPECT_EQ(BodyDecode(kChunks, many + "a: 1\r\n\r\n").error.code, ErrorCode::kHeaderTooLarge);
  const std::string large = "0\r\na: " + std::string(base::kTrailersBytesMax, 'x') + "\r\n\r\n";
  EXPECT_EQ(BodyDecode(kChunks, large).error.code, ErrorCode::kHeaderTooLarge);
  EXPECT_EQ(BodyDecode(kChunks, large, {}, base::Side::kUpstream, false).error.code,
            ErrorCode::kUpstreamHeaderTooLarge);
}

TEST(BodyDecoder, TakesTheLargestChunkSize) {
  BodyDecoder decoder;
  decoder.Start(kChunks, base::Side::kClient, nullptr);
  EXPECT_EQ(decoder.Next("7fffffffffffffff\r\n").event, BodyDecoder::Event::kNeedMore);
  EXPECT_EQ(decoder.Next("a").data, "a");
}

TEST(BodyDecoder, CountsWhatWasSpliced) {
  BodyDecoder decoder;
  decoder.Start({BodyKind::kLength, 10}, base::Side::kClient, nullptr);
  decoder.SkipSpliced(4);
  EXPECT_EQ(decoder.remaining(), 6u);
  EXPECT_FALSE(decoder.EndOfInputIsClean());
  decoder.SkipSpliced(6);
  EXPECT_TRUE(decoder.finished());
  EXPECT_EQ(decoder.Next("GET").event, BodyDecoder::Event::kEnd);
}

TEST(BodyDecoder, StaysFailed) {
  BodyDecoder decoder;
  decoder.Start(kChunks, base::Side::kClient, nullptr);
  EXPECT_EQ(decoder.Next("x").event, BodyDecoder::Event::kError);
  EXPECT_EQ(decoder.Next("0\r\n\r\n").event, BodyDecoder::Event::kError);
}

}  // namespace
}  // namespace headgate::http::h1
