#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/http/h1/codec.h"

namespace headgate::http::h1 {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

std::string Ok(std::string_view fields) { return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n"; }

TEST(ResponseWall, TakesAResponseApart) {
  const ResponseDecode response{
      Ok("Server: x\r\nContent-Length: 5\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Stay:\r\n")};
  ASSERT_TRUE(response.ok()) << response.detail();
  EXPECT_EQ(response.head.status, 200);
  EXPECT_EQ(response.head.body.kind, BodyKind::kLength);
  EXPECT_EQ(response.head.body.length, 5u);
  EXPECT_TRUE(response.head.keep_alive);
  EXPECT_EQ(response.Encoded(), "HTTP/1.1 200 OK\r\nserver: x\r\nx-stay: \r\ncontent-length: 5\r\n\r\n");
}

TEST(ResponseWall, ReadsTheTimeoutOfAKeepAlive) {
  const std::vector<std::pair<std::string, uint32_t>> cases = {{"", 0},
                                                               {"timeout=5", 5},
                                                               {"timeout=5, max=100", 5},
                                                               {"max=100,Timeout=72", 72},
                                                               {"timeout=", 0},
                                                               {"timeout", 0},
                                                               {"timeout=5s", 0},
                                                               {"timeout=-1", 0},
                                                               {"max=timeout=5", 0},
                                                               {"timeout=0", 0},
                                                               {"timeout=99999999999999999999", 0},
                                                               {"timeout=4294967297", 86'400}};
  for (const auto& [value, seconds] : cases) {
    const ResponseDecode response{Ok("Content-Length: 0\r\nKeep-Alive: " + value + "\r\n")};
    ASSERT_TRUE(response.ok()) << value;
    EXPECT_EQ(response.head.keep_alive_seconds, seconds) << value;
  }
}

TEST(ResponseWall, RefusesWhatItWouldRefuseOfAClientAndNamesTheReason) {
  struct Case {
    std::string text;
    std::string detail;
  };
  for (const Case& c : std::vector<Case>{
           {Ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "Content-Length"},
           {Ok("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "Content-Length"},
           {Ok("Content-Length: 5\r\nContent-Length: 6\r\n"), "Content-Length"},
           {Ok("Content-Length: 5, 5\r\n"), ""},
           {Ok("Content-Length: +5\r\n"), ""},
           {Ok("Content-Length:\r\n"), "Content-Length"},
           {Ok("Content-Length: 9223372036854775808\r\n"), "content-length"},
           {Ok("Transfer-Encoding: gzip\r\n"), "transfer-encoding"},
           {Ok("Transfer-Encoding: gzip, chunked\r\n"), "transfer-encoding"},
           {Ok("Transfer-Encoding: chunked, chunked\r\n"), "transfer-encoding"},
           {Ok("Transfer-Encoding: identity\r\n"), "transfer-encoding"},
           {Ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), ""},
           {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0"},
           {Ok("X: 1\nY: 2\r\n"), "bare LF"},
           {Ok("X: 1\rY: 2\r\n"), "bare CR"},
           {Ok("X: 1\r\n 2\r\n"), "folded"},
           {Ok("X : 1\r\n"), "before a colon"},
           {Ok(": 1\r\n"), "empty field name"},
           {Ok("X Y: 1\r\n"), "not a token"},
           {Ok(std::string("X: a\0b\r\n", 8)), "NUL"},
           {Ok("X: a\x01\r\n"), "control"},
           {Ok("Connection: content-length\r\n"), "connection names"},
           {"HTTP/1.1 101 x\r\n\r\n", "another protocol"},
           {"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n", "another protocol"},
           {"HTTP/2.0 200 OK\r\n\r\n", "neither"},
           {"HTTP/1.2 200 OK\r\n\r\n", "neither"},
           {"HTTP/0.9 200 OK\r\n\r\n", "neither"},
           {"ICY 200 OK\r\n\r\n", "status line"},
           {"HTTP/1.1 20 OK\r\n\r\n", "status line"},
           {"HTTP/1.1 2000 OK\r\n\r\n", "status line"},
           {"HTTP/1.1  200 OK\r\n\r\n", "status line"},
           {"HTTP/1.1 200\tOK\r\n\r\n", "status line"},
           {"HTTP/1.1 200 O\x01K\r\n\r\n", "control"},
           {"HTTP/1.1 200 OK\nX: 1\r\n\r\n", "bare LF"},
           {"HTTP/1.1 099 OK\r\n\r\n", "100 to 599"},
           {"HTTP/1.1 600 OK\r\n\r\n", "100 to 599"},
       }) {
    const ResponseDecode response{c.text};
    EXPECT_EQ(response.error.code, ErrorCode::kUpstreamProtocol) << c.text;
    EXPECT_EQ(response.error.side, base::Side::kUpstream);
    EXPECT_THAT(std::string(response.detail()), HasSubstr(c.detail)) << c.text;
  }
}

TEST(ResponseWall, TakesTabsAsTheWhiteSpaceAroundAnyValue) {
  const ResponseDecode length{Ok("Content-Length:\t5\t\r\nX:\ta\tb\t \r\n")};
  ASSERT_TRUE(length.ok()) << length.detail();
  EXPECT_EQ(length.Encoded(), "HTTP/1.1 200 OK\r\nx: a\tb\r\ncontent-length: 5\r\n\r\n");
  EXPECT_TRUE(ResponseDecode(Ok("Content-Length:\t5\r\nContent-Length: 5\t\r\n")).ok());
  EXPECT_EQ(ResponseDecode(Ok("Transfer-Encoding:\tchunked\t\r\n")).head.body.kind, BodyKind::kChunked);
  EXPECT_FALSE(ResponseDecode(Ok("Content-Length:\t5\r\nContent-Length:\t6\r\n")).ok());
}

TEST(ResponseWall, ToleratesAnIdenticalContentLengthAndWritesItOnce) {
  const ResponseDecode response{
      Ok("A: 1\r\nContent-Length: 5\r\nB: 2\r\ncontent-length:5 \r\nC: 3\r\nContent-Length: 5\r\n")};
  ASSERT_TRUE(response.ok()) << response.detail();
  EXPECT_EQ(response.Encoded(), "HTTP/1.1 200 OK\r\na: 1\r\nb: 2\r\nc: 3\r\ncontent-length: 5\r\n\r\n");
}

TEST(ResponseWall, KnowsWhichAnswersHaveNoBody) {
  const std::string length = "Content-Length: 5\r\n";
  for (const char* line :
       {"HTTP/1.1 100 Continue", "HTTP/1.1 101 x\r\nUpgrade: WebSocket", "HTTP/1.1 103 x", "HTTP/1.1 204 x"}) {
    const ResponseDecode response{std::string(line) + "\r\n\r\n"};
    EXPECT_TRUE(response.ok());
    EXPECT_EQ(response.head.body.kind, BodyKind::kNone) << line;
    EXPECT_TRUE(response.head.keep_alive);
    EXPECT_FALSE(ResponseDecode(std::string(line) + "\r\n" + length + "\r\n").head.keep_alive) << "a body may follow";
  }
  const ResponseDecode not_modified{"HTTP/1.1 304 x\r\n" + length + "\r\n"};
  EXPECT_EQ(not_modified.head.body.kind, BodyKind::kNone);
  EXPECT_EQ(not_modified.Encoded(), "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n");
  const ResponseDecode to_head{Ok(length), Method::kHead};
  EXPECT_EQ(to_head.head.body.kind, BodyKind::kNone);
  EXPECT_EQ(to_head.Encoded({.head_request = true}), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
  EXPECT_EQ(ResponseDecode(Ok("Transfer-Encoding: chunked\r\n"), Method::kHead).head.body.kind, BodyKind::kNone);
}

TEST(ResponseWall, ReadsUntilTheCloseWhereNothingElseIsSaid) {
  const ResponseDecode response{Ok("")};
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response.head.body.kind, BodyKind::kUntilClose);
  EXPECT_FALSE(response.head.keep_alive);
}

TEST(ResponseWall, KeepsAConnectionAliveByVersionAndWish) {
  const std::string length = "Content-Length: 0\r\n";
  EXPECT_TRUE(ResponseDecode(Ok(length)).head.keep_alive);
  EXPECT_FALSE(ResponseDecode(Ok(length + "Connection: close\r\n")).head.keep_alive);
  EXPECT_FALSE(ResponseDecode("HTTP/1.0 200 OK\r\n" + length + "\r\n").head.keep_alive);
  EXPECT_TRUE(ResponseDecode("HTTP/1.0 200 OK\r\n" + length + "Connection: keep-alive\r\n\r\n").head.keep_alive);
}

TEST(ResponseWall, TakesAStatusLineWithoutAReason) {
  EXPECT_TRUE(ResponseDecode("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").ok());
  EXPECT_TRUE(ResponseDecode("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n").ok());
  EXPECT_TRUE(ResponseDecode("HTTP/1.1 200 \xc3\xa4 \r\nContent-Length: 0\r\n\r\n").ok());
}

TEST(ResponseWall, HoldsTheLimits) {
  HeadLimits limits;
  limits.fields = 2;
  EXPECT_EQ(ResponseDecode(Ok("A: 1\r\nB: 2\r\nC: 3\r\n"), Method::kGet, limits).error.code,
            ErrorCode::kUpstreamHeaderTooLarge);
  limits.head_bytes = 20;
  EXPECT_EQ(ResponseDecode(Ok("A: 1\r\n"), Method::kGet, limits).error.code, ErrorCode::kUpstreamHeaderTooLarge);
}

}  // namespace
}  // namespace headgate::http::h1
