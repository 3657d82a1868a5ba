// One case for each clause of the framing table, as raw bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "tests/http/h1/codec.h"

namespace headgate::http::h1 {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

std::string Get(std::string_view fields) { return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n"; }
std::string Post(std::string_view fields) { return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n"; }
std::string Line(std::string_view line) { return std::string(line) + "\r\nHost: a\r\n\r\n"; }

struct Refusal {
  std::string text;
  ErrorCode code;
  std::string detail;
};

void ExpectRefusals(const std::vector<Refusal>& refusals) {
  for (const Refusal& refusal : refusals) {
    const RequestDecode request{refusal.text};
    EXPECT_EQ(request.error.code, refusal.code) << refusal.text << request.detail();
    EXPECT_EQ(request.error.side, base::Side::kClient) << refusal.text;
    EXPECT_THAT(std::string(request.detail()), HasSubstr(refusal.detail)) << refusal.text;
  }
}

TEST(RequestWall, RefusesAmbiguousTransferEncodings) {
  ExpectRefusals({
      {Post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), ErrorCode::kSmuggling, "Content-Length"},
      {Post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), ErrorCode::kSmuggling, "Content-Length"},
      {Post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), ErrorCode::kSmuggling, ""},
      {Post("Transfer-Encoding: chunked, chunked\r\n"), ErrorCode::kSmuggling, ""},
      {Post("Transfer-Encoding: chunked, identity\r\n"), ErrorCode::kSmuggling, ""},
      {Post("Transfer-Encoding: ,chunked\r\n"), ErrorCode::kSmuggling, "not one chunked"},
      {Post("Transfer-Encoding: chunked;q=1\r\n"), ErrorCode::kSmuggling, ""},
      {Post("Transfer-Encoding: \"chunked\"\r\n"), ErrorCode::kSmuggling, ""},
      {Post("Transfer-Encoding:\r\n"), ErrorCode::kSmuggling, "not one chunked"},
      {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", ErrorCode::kSmuggling, "HTTP/1.0"},
      {Post("Transfer-Encoding: gzip\r\n"), ErrorCode::kUnknownCoding, "other than chunked"},
      {Post("Transfer-Encoding: gzip, chunked\r\n"), ErrorCode::kUnknownCoding, "other than chunked"},
      {Post("Transfer-Encoding: xchunked\r\n"), ErrorCode::kUnknownCoding, ""},
      {Post("Transfer-Encoding: identity\r\n"), ErrorCode::kUnknownCoding, ""},
  });
}

TEST(RequestWall, TakesOneChunkedInAnyCase) {
  for (const char* value : {"chunked", "Chunked", "CHUNKED", "  chunked \t "}) {
    const RequestDecode request{Post("Transfer-Encoding:" + std::string(value) + "\r\n")};
    ASSERT_TRUE(request.ok()) << value << request.detail();
    EXPECT_EQ(request.head.body.kind, BodyKind::kChunked);
    EXPECT_FALSE(request.head.headers.Has(HeaderId::kTransferEncoding));
  }
}

TEST(RequestWall, RefusesContentLengthsThatAreNotOneNumber) {
  for (const char* fields :
       {"Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n", "Content-Length:\r\n", "Content-Length: \r\n", "Content-Length: +5\r\n",
        "Content-Length: -1\r\n", "Content-Length: 0x5\r\n", "Content-Length: 5 5\r\n", "Content-Length: 5a\r\n",
        "Content-Length: 9223372036854775808\r\n", "Content-Length: 18446744073709551616\r\n",
        "Content-Length: 99999999999999999999999\r\n", "Content-Length: 5.0\r\n", "Content-Length: \"5\"\r\n"}) {
    const RequestDecode request{Post(fields)};
    EXPECT_TRUE(request.error.code == ErrorCode::kBadRequest || request.error.code == ErrorCode::kSmuggling) << fields;
  }
}

TEST(RequestWall, TakesContentLengthsUpToItsLimit) {
  const RequestDecode request{Post("Content-Length: 9223372036854775807 \r\n")};
  ASSERT_TRUE(request.ok()) << request.detail();
  EXPECT_EQ(request.head.body.kind, BodyKind::kLength);
  EXPECT_EQ(request.head.body.length, 9223372036854775807u);
  EXPECT_EQ(RequestDecode(Post("Content-Length: 0\r\n")).head.body.kind, BodyKind::kLength);
}

TEST(RequestWall, TakesTabsAsTheWhiteSpaceAroundAnyValue) {
  for (const char* before : {"", " ", "\t", " \t", "\t\t "}) {
    for (const char* behind : {"", " ", "\t", "\t ", " \t\t"}) {
      const auto around = [&](const char* value) { return std::string(before) + value + behind + "\r\n"; };
      const RequestDecode length{Post("A:" + around("x\ty") + "Content-Length:" + around("5") + "B:" + around(""))};
      ASSERT_TRUE(length.ok()) << length.bytes << length.detail();
      EXPECT_EQ(length.head.body.length, 5u);
      EXPECT_EQ(length.head.headers.fields()[0].value, "x\ty");
      EXPECT_EQ(length.head.headers.size(), 2u);
      const RequestDecode chunked{Post("Transfer-Encoding:" + around("chunked") + "Connection:" + around("close"))};
      ASSERT_TRUE(chunked.ok()) << chunked.bytes << chunked.detail();
      EXPECT_EQ(chunked.head.body.kind, BodyKind::kChunked);
      EXPECT_FALSE(chunked.head.keep_alive);
      const RequestDecode expect{Post("Content-Length: 1\r\nExpect:" + around("100-continue"))};
      ASSERT_TRUE(expect.ok()) << expect.bytes << expect.detail();
      EXPECT_TRUE(expect.head.expect_continue);
      const RequestDecode host{"GET / HTTP/1.1\r\nHost:" + around("a") + "\r\n"};
      ASSERT_TRUE(host.ok()) << host.bytes << host.detail();
      EXPECT_EQ(host.head.host, "a");
    }
  }
  ExpectRefusals({
      {Post("Content-Length:\t5\t5\r\n"), ErrorCode::kBadRequest, ""},
      {Post("Content-Length\t: 5\r\n"), ErrorCode::kBadRequest, ""},
      {Post("\tContent-Length: 5\r\n"), ErrorCode::kBadRequest, ""},
      {Post("Content-Length:\t5\t\r\nContent-Length: 5\r\n"), ErrorCode::kSmuggling, ""},
      {Post("Content-Length:\t5\t\r\nTransfer-Encoding: chunked\t\r\n"), ErrorCode::kSmuggling, ""},
      {Post("Transfer-Encoding: chunked\t,\tchunked\t\r\n"), ErrorCode::kSmuggling, ""},
      {Post("Content-Length:\t\r\n"), ErrorCode::kBadRequest, ""},
  });
}

TEST(RequestWall, RefusesMalformedLines) {
  ExpectRefusals({
      {"GET / HTTP/1.1\nHost: a\r\n\r\n", ErrorCode::kBadRequest, ""},
      {Get("X: 1\nY: 2\r\n"), ErrorCode::kBadRequest, "bare LF"},
      {Get("X: 1\rY: 2\r\n"), ErrorCode::kBadRequest, "bare CR"},
      {Get("X: 1\r\r\n"), ErrorCode::kBadRequest, "bare CR"},
      {Get("X: 1\r\n 2\r\n"), ErrorCode::kBadRequest, "folded"},
      {Get("X: 1\r\n\t2\r\n"), ErrorCode::kBadRequest, "folded"},
      {Get("X:\r\n 2\r\n"), ErrorCode::kBadRequest, "folded"},
      {Get("X:\r\n \r\n"), ErrorCode::kBadRequest, "folded"},
      {Post("Transfer-Encoding:\r\n chunked\r\n"), ErrorCode::kBadRequest, "folded"},
      {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", ErrorCode::kBadRequest, "before the first field"},
      {Get("X : 1\r\n"), ErrorCode::kBadRequest, "before a colon"},
      {Get("X\t: 1\r\n"), ErrorCode::kBadRequest, "before a colon"},
      {Get("Content-Length : 5\r\n"), ErrorCode::kBadRequest, "before a colon"},
      {Get(": 1\r\n"), ErrorCode::kBadRequest, "empty field name"},
      {Get(":\r\n"), ErrorCode::kBadRequest, "empty field name"},
      {Get("X\r\n"), ErrorCode::kBadRequest, "without a colon"},
      {Get("X Y: 1\r\n"), ErrorCode::kBadRequest, "not a token"},
      {Get("X\xc3\xa4: 1\r\n"), ErrorCode::kBadRequest, "not a token"},
      {Get("X(: 1\r\n"), ErrorCode::kBadRequest, "not a token"},
      {Get(std::string("X: a\0b\r\n", 8)), ErrorCode::kBadRequest, "NUL"},
      {Get("X: a\x01\r\n"), ErrorCode::kBadRequest, "control"},
      {Get("X: a\x7f\r\n"), ErrorCode::kBadRequest, "control"},
      {Get("X: a\x0b\r\n"), ErrorCode::kBadRequest, "control"},
  });
}

TEST(RequestWall, LowersNamesOfEveryLengthAndNothingElse) {
  for (size_t size = 1; size <= 40; ++size) {
    const std::string name = std::string(size - 1, 'N') + 'Z';
    const RequestDecode request{Get(name + ":VALUE-@[`{\r\n" + name + ":  A\r\n")};
    ASSERT_TRUE(request.ok()) << size << ' ' << request.detail();
    const std::string lower = std::string(size - 1, 'n') + 'z';
    EXPECT_EQ(request.Encoded(), "GET / HTTP/1.1\r\nhost: a\r\n" + lower + ": VALUE-@[`{\r\n" + lower + ": A\r\n\r\n");
  }
}

TEST(RequestWall, EveryByteInANameIsATokensOrRefused) {
  const std::string_view tokens = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    for (const std::string& name : {std::string{'x', c}, std::string{c}, "long-name-" + std::string{c} + "-end"}) {
      if (c == ':' && name.size() != 1) continue;  // a name and a value
      const RequestDecode request{Get(name + ": 1\r\n")};
      EXPECT_EQ(request.ok(), tokens.find(c) != std::string_view::npos) << byte << ' ' << name;
    }
  }
}

TEST(RequestWall, EveryByteInAValueIsTextOrRefused) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool text = c == '\t' || (byte >= 0x20 && byte != 0x7f);
    const std::string filler(40, 'v');
    for (const std::string& value : {"a" + std::string{c} + "b", filler + c + filler}) {
      const RequestDecode request{Get("X: " + value + "\r\n")};
      ASSERT_EQ(request.ok(), text) << byte;
      if (!text) continue;
      EXPECT_EQ(request.head.headers.fields()[0].value, value);
    }
  }
}

TEST(RequestWall, EveryByteInATargetIsVisibleOrRefused) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool fine = byte > 0x20 && byte != 0x7f && c != '#';
    const bool in_path = fine && c != '\\' && c != '%';
    EXPECT_EQ(RequestDecode(Line("GET /a" + std::string{c} + "b HTTP/1.1")).ok(), in_path) << byte;
    EXPECT_EQ(RequestDecode(Line("GET /a?" + std::string{c} + "b HTTP/1.1")).ok(), fine) << byte;
  }
}

TEST(RequestWall, RefusesMalformedRequestLines) {
  ExpectRefusals({
      {Line("GET  / HTTP/1.1"), ErrorCode::kBadRequest, ""},
      {Line("GET /  HTTP/1.1"), ErrorCode::kBadRequest, ""},
      {Line("GET / HTTP/1.1 "), ErrorCode::kBadRequest, ""},
      {Line(" GET / HTTP/1.1"), ErrorCode::kBadRequest, ""},
      {Line("GET\t/ HTTP/1.1"), ErrorCode::kBadRequest, ""},
      {Line("GET /\tHTTP/1.1"), ErrorCode::kBadRequest, ""},
      {Line("GET / b HTTP/1.1"), ErrorCode::kBadRequest, ""},
      {Line("GET /"), ErrorCode::kBadRequest, "HTTP/0.9"},
      {Line("GET"), ErrorCode::kBadRequest, "without spaces"},
      {Line("GET /#a HTTP/1.1"), ErrorCode::kBadRequest, "fragment"},
      {Line("GET /?a#b HTTP/1.1"), ErrorCode::kBadRequest, "fragment"},
      {Line("GET http://a/#b HTTP/1.1"), ErrorCode::kBadRequest, "fragment"},
      {Line("GET / HTTP/0.9"), ErrorCode::kBadRequest, "does not exist"},
      {Line("GET / HTTP/1.2"), ErrorCode::kBadRequest, "does not exist"},
      {Line("GET / HTTP/1.10"), ErrorCode::kBadRequest, ""},
      {Line("GET / HTTP/2"), ErrorCode::kBadRequest, ""},
      {Line("GET / http/1.1"), ErrorCode::kBadRequest, ""},
      {Line("GET / HTTP/x.1"), ErrorCode::kBadRequest, ""},
      {Line("GET / ICE/1.0"), ErrorCode::kBadRequest, ""},
      {Line("GET / RTSP/1.0"), ErrorCode::kBadRequest, ""},
      {Line("GET / HTTP/2.0"), ErrorCode::kVersionNotSupported, ""},
      {Line("GET / HTTP/3.0"), ErrorCode::kVersionNotSupported, ""},
      {Line("PRI * HTTP/2.0"), ErrorCode::kVersionNotSupported, ""},
      {Line("G@T / HTTP/1.1"), ErrorCode::kBadRequest, "not a token"},
      {Line("BREW / HTTP/1.1"), ErrorCode::kUnknownMethod, ""},
      {Line("get / HTTP/1.1"), ErrorCode::kUnknownMethod, ""},
      {Line("DESCRIBE / HTTP/1.1"), ErrorCode::kUnknownMethod, ""},
      {Line("PRI * HTTP/1.1"), ErrorCode::kUnknownMethod, ""},
      {Line("CONNECT a:443 HTTP/1.1"), ErrorCode::kMethodNotAllowed, ""},
      {Line("TRACE / HTTP/1.1"), ErrorCode::kMethodNotAllowed, ""},
      {Line("GET * HTTP/1.1"), ErrorCode::kBadRequest, "OPTIONS"},
      {Line("GET a HTTP/1.1"), ErrorCode::kBadRequest, ""},
      {Line("GET http HTTP/1.1"), ErrorCode::kBadRequest, "neither a path"},
      {Line("GET http: HTTP/1.1"), ErrorCode::kBadRequest, "neither a path"},
      {Line("GET ftp://a/ HTTP/1.1"), ErrorCode::kBadRequest, ""},
      {Line("GET /../a HTTP/1.1"), ErrorCode::kBadRequest, "above the root"},
  });
}

TEST(RequestWall, TakesEveryMethodOfTheTable) {
  for (size_t i = 0; i < kMethodCount; ++i) {
    const auto method = static_cast<Method>(i);
    if (method == Method::kConnect || method == Method::kTrace) continue;
    const RequestDecode request{Line(std::string(MethodName(method)) + " /a HTTP/1.1")};
    ASSERT_TRUE(request.ok()) << MethodName(method) << ' ' << request.detail();
    EXPECT_EQ(request.head.method, method);
  }
}

// llhttp is older than these methods: what it is shown in their place must not be seen anywhere.
TEST(RequestWall, TakesMethodsThatLlhttpDoesNotKnow) {
  const RequestDecode query{"QUERY /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"};
  ASSERT_TRUE(query.ok()) << query.detail();
  EXPECT_EQ(query.head.body.length, 5u);
  EXPECT_THAT(query.Encoded(), testing::StartsWith("QUERY /a?b HTTP/1.1\r\n"));
  EXPECT_TRUE(query.bytes.starts_with("QUERY /a?b HTTP/1.1\r\n"));
  const RequestDecode chunked{"QUERY http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\t\r\n\r\n"};
  ASSERT_TRUE(chunked.ok()) << chunked.detail();
  EXPECT_EQ(chunked.head.body.kind, BodyKind::kChunked);
  EXPECT_TRUE(RequestDecode("QUERY / HTTP/1.0\r\n\r\n").ok());
  const RequestDecode bad{"QUERY / HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n"};
  EXPECT_EQ(bad.error.code, ErrorCode::kBadRequest);
  EXPECT_TRUE(bad.bytes.starts_with("QUERY "));
  ExpectRefusals({
      {"QUERY / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", ErrorCode::kSmuggling,
       ""},
      {Line("QUERY * HTTP/1.1"), ErrorCode::kBadRequest, ""},
      {Line("QUERYX / HTTP/1.1"), ErrorCode::kUnknownMethod, ""},
      {Line("query / HTTP/1.1"), ErrorCode::kUnknownMethod, ""},
      {Line("QUER\xc3 / HTTP/1.1"), ErrorCode::kBadRequest, ""},
  });
}

TEST(RequestWall, RefusesHostsThatAreNotOneAuthority) {
  const auto host = [](std::string_view fields) { return "GET / HTTP/1.1\r\n" + std::string(fields) + "\r\n"; };
  for (const char* fields : {"",
                             "Host: a\r\nHost: a\r\n",
                             "Host: a\r\nHost: b\r\n",
                             "Host: a, b\r\n",
                             "Host: u@a\r\n",
                             "Host: a/b\r\n",
                             "Host: a:0\r\n",
                             "Host: a:65536\r\n",
                             "Host: a::\r\n",
                             "Host: :\r\n",
                             "Host: [::1]::\r\n",
                             "Host: a:x\r\n",
                             "Host: a:-1\r\n",
                             "Host: a:80:80\r\n",
                             "Host: :80\r\n",
                             "Host:\r\n",
                             "Host: \r\n",
                             "Host: .\r\n",
                             "Host: a..b\r\n",
                             "Host: .a\r\n",
                             "Host: a b\r\n",
                             "Host: [::1\r\n",
                             "Host: [::1]x\r\n",
                             "Host: [::g]\r\n",
                             "Host: [1.2.3.4]\r\n",
                             "Host: a?b\r\n",
                             "Host: http://a\r\n",
                             "Host: a\\b\r\n",
                             "Host: \xc3\xa4\r\n",
                             "Host: a%2eb\r\n",
                             "Host: a#b\r\n"}) {
    EXPECT_EQ(RequestDecode(host(fields)).error.code, ErrorCode::kBadRequest) << fields;
  }
  EXPECT_TRUE(RequestDecode("GET / HTTP/1.0\r\n\r\n").ok());
}

TEST(RequestWall, NormalisesHostsForRoutingAndForwardsThemAsTheyCame) {
  struct Case {
    const char* sent;
    const char* host;
    uint16_t port;
  };
  for (const Case& c :
       {Case{"A.Example.COM", "a.example.com", 0}, Case{"a.example.com.", "a.example.com", 0},
        Case{"a:8080", "a", 8080}, Case{"A.:443", "a", 443}, Case{"[::0001]:80", "[::1]", 80},
        Case{"[::FFFF:1.2.3.4]", "1.2.3.4", 0}, Case{"1.2.3.4", "1.2.3.4", 0}, Case{"under_score", "under_score", 0}}) {
    const RequestDecode request{"GET / HTTP/1.1\r\nHost: " + std::string(c.sent) + "\r\n\r\n"};
    ASSERT_TRUE(request.ok()) << c.sent << request.detail();
    EXPECT_EQ(request.head.host, c.host);
    EXPECT_EQ(request.head.port, c.port);
    EXPECT_EQ(request.head.authority, c.sent);
    EXPECT_THAT(request.Encoded(), HasSubstr("host: " + std::string(c.sent) + "\r\n"));
  }
}

TEST(RequestWall, AnEmptyPortIsNone) {
  for (const auto& [sent, host] :
       {std::pair("a:", "a"), std::pair("[::1]:", "[::1]"), std::pair("1.2.3.4:", "1.2.3.4")}) {
    const RequestDecode request{"GET / HTTP/1.1\r\nHost: " + std::string(sent) + "\r\n\r\n"};
    ASSERT_TRUE(request.ok()) << sent << request.detail();
    EXPECT_EQ(request.head.host, host);
    EXPECT_EQ(request.head.port, 0);
    EXPECT_EQ(request.head.authority, host) << "the colon is not forwarded";
  }
}

TEST(RequestWall, TakesAnAbsoluteFormOnlyWhenItEqualsHost) {
  const auto decode = [](std::string_view target, std::string_view host) {
    return RequestDecode("GET " + std::string(target) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
  };
  for (const auto& [target, host, path] : std::vector<std::array<std::string, 3>>{{"http://a/b?c", "a", "/b"},
                                                                                  {"HTTP://A/b", "a", "/b"},
                                                                                  {"http://a", "a", "/"},
                                                                                  {"http://a?q", "a", "/"},
                                                                                  {"http://a:80/", "a", "/"},
                                                                                  {"http://a/", "a:80", "/"},
                                                                                  {"https://a/x/../y", "a", "/y"},
                                                                                  {"https://a:443/", "a", "/"},
                                                                                  {"https://a/", "a:443", "/"},
                                                                                  {"http://a:/", "a", "/"},
                                                                                  {"http://a/", "a:", "/"},
                                                                                  {"http://a:80/", "a:", "/"}}) {
    const RequestDecode request = decode(target, host);
    ASSERT_TRUE(request.ok()) << target << ' ' << request.detail();
    EXPECT_EQ(request.head.path, path);
    EXPECT_EQ(request.head.host, "a");
    EXPECT_EQ(request.head.scheme, Scheme::kHttp) << "the transport's";
  }
  for (const auto& [target, host] : std::vector<std::pair<std::string, std::string>>{{"http://b/", "a"},
                                                                                     {"http://a:81/", "a"},
                                                                                     {"http://a:443/", "a"},
                                                                                     {"https://a:80/", "a"},
                                                                                     {"https://a/", "a:80"},
                                                                                     {"http://u@a/", "a"},
                                                                                     {"http:///", "a"},
                                                                                     {"http:/a", "a"},
                                                                                     {"http://a/", "a/"}}) {
    EXPECT_EQ(decode(target, host).error.code, ErrorCode::kBadRequest) << target;
  }
  EXPECT_EQ(RequestDecode("GET http://a/ HTTP/1.1\r\n\r\n").error.code, ErrorCode::kBadRequest);
  const RequestDecode old("GET http://a/b HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(old.ok());
  EXPECT_EQ(old.head.host, "a");
}

TEST(RequestWall, ForwardsOptionsOfTheServerAsItCame) {
  for (const char* line : {"OPTIONS * HTTP/1.1", "OPTIONS http://a HTTP/1.1"}) {
    const RequestDecode request{Line(line)};
    ASSERT_TRUE(request.ok()) << line << request.detail();
    EXPECT_THAT(request.Encoded(), HasSubstr("OPTIONS * HTTP/1.1\r\nhost: a\r\n"));
  }
}

TEST(RequestWall, ConnectionMayNotNameAFieldThatMatters) {
  for (const char* name : {"host", "Content-Length", "transfer-encoding", "X-Forwarded-For", "x-forwarded-whatever",
                           "authorization", "cookie", "x-real-ip", "x-request-id", "forwarded", "close, Host"}) {
    const RequestDecode request{Get("Connection: " + std::string(name) + "\r\n")};
    EXPECT_EQ(request.error.code, ErrorCode::kBadRequest) << name;
    EXPECT_THAT(std::string(request.detail()), HasSubstr("connection names")) << name;
  }
  EXPECT_EQ(RequestDecode(Get("Connection: a b\r\n")).error.code, ErrorCode::kBadRequest);
  EXPECT_EQ(RequestDecode(Get("Connection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\r\n")).error.code, ErrorCode::kBadRequest);
}

TEST(RequestWall, RemovesWhatBelongsToOneHop) {
  const RequestDecode request{
      Get("Connection: keep-alive, X-Hop, TE\r\nX-Hop: 1\r\nx-hop: 2\r\nX-Stay: 3\r\nKeep-Alive: timeout=5\r\n"
          "Proxy-Connection: keep-alive\r\nTE: trailers, deflate\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
          "Trailer: X-Sum\r\n")};
  ASSERT_TRUE(request.ok()) << request.detail();
  EXPECT_TRUE(request.head.te_trailers);
  EXPECT_FALSE(request.head.wants_websocket);
  EXPECT_EQ(request.Encoded(),
            "GET / HTTP/1.1\r\nhost: a\r\nx-stay: 3\r\ntrailer: X-Sum\r\nte: trailers\r\nconnection: te\r\n\r\n");
}

TEST(RequestWall, DropsNamesThatImitateOurs) {
  const RequestDecode request{
      Get("x_forwarded_for: 1\r\nX_Forwarded-Proto: https\r\nx-forwarded_any: 1\r\nX_Real_IP: 1\r\nx_request_id: 1\r\n"
          "content_length: 5\r\ntransfer_encoding: chunked\r\nHo_st: kept\r\nhttp2_settings: 1\r\nmy_own: kept\r\n")};
  ASSERT_TRUE(request.ok()) << request.detail();
  EXPECT_EQ(request.Encoded(), "GET / HTTP/1.1\r\nhost: a\r\nho_st: kept\r\nmy_own: kept\r\n\r\n");
}

TEST(RequestWall, KeepsAConnectionAliveByVersionAndWish) {
  const auto keep_alive = [](std::string_view version, std::string_view fields) {
    return RequestDecode("GET / HTTP/" + std::string(version) + "\r\nHost: a\r\n" + std::string(fields) + "\r\n")
        .head.keep_alive;
  };
  EXPECT_TRUE(keep_alive("1.1", ""));
  EXPECT_FALSE(keep_alive("1.1", "Connection: Close\r\n"));
  EXPECT_FALSE(keep_alive("1.1", "Connection: keep-alive\r\nConnection: x, close\r\n"));
  EXPECT_FALSE(keep_alive("1.0", ""));
  EXPECT_TRUE(keep_alive("1.0", "Connection: Keep-Alive\r\n"));
  EXPECT_FALSE(keep_alive("1.0", "Connection: close, keep-alive\r\n"));
}

TEST(RequestWall, KnowsOneExpectation) {
  const RequestDecode request{Post("Content-Length: 5\r\nExpect: 100-Continue\r\n")};
  ASSERT_TRUE(request.ok());
  EXPECT_TRUE(request.head.expect_continue);
  EXPECT_THAT(request.Encoded(), HasSubstr("expect: 100-continue\r\n"));
  const RequestDecode unknown{Post("Content-Length: 5\r\nExpect: 200-ok\r\n")};
  EXPECT_EQ(unknown.error.code, ErrorCode::kExpectationFailed);
  EXPECT_FALSE(unknown.head.expect_continue) << "it waits for no 100";
  EXPECT_EQ(RequestDecode(Post("Expect: 100-continue, x\r\n")).error.code, ErrorCode::kExpectationFailed);
  const RequestDecode blanks{Post("Content-Length: 5\r\nExpect:\r\nExpect: ,100-continue,\r\n")};
  EXPECT_TRUE(blanks.ok()) << "an empty member is none (RFC 9110 5.6.1): " << blanks.detail();
  EXPECT_TRUE(blanks.head.expect_continue);
  // A list and several lines are the same (RFC 9110 5.3); two members are not the one expectation that there is.
  for (const char* fields :
       {"Expect: 100-continue, 100-continue\r\n", "Expect: 100-continue\r\nExpect: 100-CONTINUE\r\n",
        "Expect: x, 100-continue\r\n", "Expect: 100-continue\r\nExpect: x\r\n", "Expect: x\r\nExpect: 100-continue\r\n",
        "Expect: 100-continue;a=b\r\n", "Expect: 100-continue 100-continue\r\n"}) {
    EXPECT_EQ(RequestDecode(Post("Content-Length: 5\r\n" + std::string(fields))).error.code,
              ErrorCode::kExpectationFailed)
        << fields;
  }
  const RequestDecode old{"POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\nExpect: whatever\r\n\r\n"};
  ASSERT_TRUE(old.ok());
  EXPECT_FALSE(old.head.expect_continue);
  EXPECT_FALSE(old.head.headers.Has(HeaderId::kExpect));
  EXPECT_FALSE(RequestDecode(Get("Expect: 100-continue\r\n")).head.expect_continue) << "there is no body to wait for";
}

constexpr char kHandshake[] =
    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n";

TEST(RequestWall, UpgradesToWebSocketOnly) {
  const RequestDecode request{Get(kHandshake)};
  ASSERT_TRUE(request.ok()) << request.detail();
  EXPECT_TRUE(request.head.wants_websocket);
  EXPECT_EQ(request.Encoded(true),
            "GET / HTTP/1.1\r\nhost: a\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n"
            "connection: upgrade\r\nupgrade: websocket\r\n\r\n");
  EXPECT_FALSE(RequestDecode(Post(kHandshake)).head.wants_websocket);
  EXPECT_FALSE(RequestDecode(Get("Upgrade: websocket\r\n")).head.wants_websocket);
  EXPECT_FALSE(RequestDecode(Get("Connection: upgrade\r\nUpgrade: h2c, foo\r\n")).head.wants_websocket);
  EXPECT_FALSE(RequestDecode(Get(std::string(kHandshake) + "Content-Length: 1\r\n")).head.wants_websocket);
  EXPECT_FALSE(RequestDecode("GET / HTTP/1.0\r\nHost: a\r\n" + std::string(kHandshake) + "\r\n").head.wants_websocket);
}

TEST(RequestWall, RefusesHalfAWebSocketHandshake) {
  const std::string upgrade = "Connection: upgrade\r\nUpgrade: WebSocket\r\n";
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  EXPECT_TRUE(RequestDecode(Get(upgrade + key + version)).head.wants_websocket);
  for (const std::string& fields :
       {upgrade, upgrade + key, upgrade + version, upgrade + key + key + version, upgrade + key + version + version,
        upgrade + version + "Sec-WebSocket-Key: short==\r\n", upgrade + key + "Sec-WebSocket-Version: x\r\n",
        upgrade + version + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n"}) {
    EXPECT_EQ(RequestDecode(Get(fields)).error.code, ErrorCode::kBadRequest) << fields;
  }
}

TEST(RequestWall, RecognisesGrpc) {
  EXPECT_TRUE(RequestDecode(Post("Content-Type: application/grpc\r\n")).head.is_grpc);
  EXPECT_TRUE(RequestDecode(Post("Content-Type: application/grpc+proto\r\n")).head.is_grpc);
  EXPECT_TRUE(RequestDecode(Post("Content-Type: Application/GRPC ;a=b\r\n")).head.is_grpc);
  EXPECT_FALSE(RequestDecode(Post("Content-Type: application/grpc-web\r\n")).head.is_grpc);
}

TEST(RequestWall, TakesFieldsWithoutAValue) {
  const RequestDecode request{Get("A:\r\nB: \r\nLong-Name-Of-C:\t\r\nD: 1\r\nE:\r\n")};
  ASSERT_TRUE(request.ok()) << request.detail();
  EXPECT_EQ(request.Encoded(), "GET / HTTP/1.1\r\nhost: a\r\na: \r\nb: \r\nlong-name-of-c: \r\nd: 1\r\ne: \r\n\r\n");
  EXPECT_TRUE(RequestDecode(Get("A:\r\n")).ok());
}

TEST(RequestWall, HoldsTheLimits) {
  const std::string fill(base::kFieldBytesMax, 'x');
  EXPECT_TRUE(RequestDecode(Get("A: " + fill.substr(3) + "\r\n")).ok());
  ExpectRefusals({
      {Get("A: " + fill + "\r\n"), ErrorCode::kHeaderTooLarge, "a field"},
      {Get("A: " + fill.substr(9) + "\r\nB: " + fill.substr(9) + "\r\n"), ErrorCode::kHeaderTooLarge, "the head"},
      {Line("GET /" + std::string(base::kTargetBytesMax, 'a') + " HTTP/1.1"), ErrorCode::kTargetTooLong, ""},
      {Line("GET /" + std::string(2 * base::kHeadBytesMax, 'a') + " HTTP/1.1"), ErrorCode::kTargetTooLong, ""},
  });
  EXPECT_TRUE(RequestDecode(Line("GET /" + std::string(base::kTargetBytesMax - 1, 'a') + " HTTP/1.1")).ok());
  std::string many;
  for (size_t i = 0; i + 1 < base::kFieldsMax; ++i) many += "A: 1\r\n";
  EXPECT_TRUE(RequestDecode(Get(many)).ok());
  ExpectRefusals({
      {Get(many + "A: 1\r\n"), ErrorCode::kHeaderTooLarge, "too many fields"},
      {Get(many + "A:\r\n"), ErrorCode::kHeaderTooLarge, "too many fields"},
      {Get("A:\r\n" + many), ErrorCode::kHeaderTooLarge, "too many fields"},
      {Get(fill + ":\r\n"), ErrorCode::kHeaderTooLarge, "a field"},
      {Get(fill + ":\r\nA: 1\r\n"), ErrorCode::kHeaderTooLarge, "a field"},
      {Get("A:" + std::string(fill.size(), ' ') + "\r\n"), ErrorCode::kHeaderTooLarge, "a field"},
  });
}

TEST(RequestWall, GarbageIsAnsweredBeforeTheHeadIsComplete) {
  for (const char* text :
       {"\x16\x03\x01\x02", "GET / HTTP/1.1\n", "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n", "GET /\r\n", "\r\n", " GET", "G@", "GET / HTTP/1.1\r\nA: b\r\n c",
        "GET / HTTP/1.1\rX", "GET / HTTP/3.0\r\n", "BREW / HTTP/1.1\r\n", "TRACE / HTTP/1.1\r\n",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "SSH-2.0-OpenSSH_9.2\r\n"}) {
    EXPECT_FALSE(CheckPartialRequestHead(text, {}).ok()) << text;
  }
  const std::string good = Get("Accept: */*\r\nX: y\r\n");
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_TRUE(CheckPartialRequestHead(good.substr(0, i), {}).ok()) << i;
  }
  EXPECT_TRUE(CheckPartialRequestHead("\r", {}).ok()) << "may become an empty line before the request";
  EXPECT_EQ(CheckPartialRequestHead("GET /" + std::string(40000, 'a'), {}).error().code, ErrorCode::kTargetTooLong);
  EXPECT_EQ(CheckPartialRequestHead("GET / HTTP/1.1\r\nA: " + std::string(40000, 'a'), {}).error().code,
            ErrorCode::kHeaderTooLarge);
}

}  // namespace
}  // namespace headgate::http::h1
