#include <gtest/gtest.h>

#include "tests/http/h2/raw_peer.h"

namespace headgate::http::h2 {
namespace {

struct Case {
  const char* name;
  Fields fields;
  bool end = true;
};

const std::vector<Case>& MalformedRequests() {
  static const std::vector<Case> cases = {
      {"no fields", {}},
      {"no method", {{":scheme", "http"}, {":authority", "a"}, {":path", "/"}}},
      {"no scheme", {{":method", "GET"}, {":authority", "a"}, {":path", "/"}}},
      {"no path", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}}},
      {"empty path", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", ""}}},
      {"no authority and no host", {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}},
      {"empty authority", {{":method", "GET"}, {":scheme", "http"}, {":authority", ""}, {":path", "/"}}},
      {"authority with user info", {{":method", "GET"}, {":scheme", "http"}, {":authority", "u@a"}, {":path", "/"}}},
      {"path without slash", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "x"}}},
      {"absolute path form", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "http://a/"}}},
      {"path with a space", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/a b"}}},
      {"path with a fragment", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/a#b"}}},
      {"path above the root", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/../x"}}},
      {"asterisk with GET", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "*"}}},
      {"another scheme", {{":method", "GET"}, {":scheme", "ftp"}, {":authority", "a"}, {":path", "/"}}},
      {"method not a token", {{":method", "G ET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}}},
      {"empty method", {{":method", ""}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}}},
      {"method twice", GetFields({{":method", "GET"}})},
      {"path twice", GetFields({{":path", "/"}})},
      {"status in a request", GetFields({{":status", "200"}})},
      {"unknown pseudo header", GetFields({{":version", "2"}})},
      {"empty pseudo header name", GetFields({{":", "2"}})},
      {"pseudo header behind a field", {{":method", "GET"}, {":scheme", "http"}, {"a", "b"}, {":path", "/"}}},
      {"protocol without CONNECT", GetFields({{":protocol", "websocket"}})},
      {"CONNECT with a path", {{":method", "CONNECT"}, {":authority", "a:443"}, {":path", "/"}}},
      {"CONNECT without authority", {{":method", "CONNECT"}}},
      {"upper case", GetFields({{"X-Upper", "a"}})},
      {"empty name", GetFields({{"", "a"}})},
      {"name with a space", GetFields({{"a b", "a"}})},
      {"name with a colon", GetFields({{"a:b", "a"}})},
      {"name with CRLF", GetFields({{"a\r\nb", "a"}})},
      {"value with CRLF", GetFields({{"a", "b\r\nc: d"}})},
      {"value with LF", GetFields({{"a", "b\nc"}})},
      {"value with NUL", GetFields({{"a", std::string("b\0c", 3)}})},
      {"value with white space before", GetFields({{"a", " b"}})},
      {"value with white space behind", GetFields({{"a", "b\t"}})},
      {"connection", GetFields({{"connection", "close"}})},
      {"keep-alive", GetFields({{"keep-alive", "5"}})},
      {"proxy-connection", GetFields({{"proxy-connection", "close"}})},
      {"transfer-encoding", PostFields({{"transfer-encoding", "chunked"}}), false},
      {"upgrade", GetFields({{"upgrade", "websocket"}})},
      {"te other than trailers", GetFields({{"te", "gzip"}})},
      {"host that differs", GetFields({{"host", "other.example"}})},
      {"host twice", GetFields({{"host", "example.com"}, {"host", "example.com"}})},
      {"content-length not a number", PostFields({{"content-length", "1x"}}), false},
      {"content-length signed", PostFields({{"content-length", "+1"}}), false},
      {"content-length twice", PostFields({{"content-length", "1"}, {"content-length", "1"}}), false},
      {"content-length without a body", PostFields({{"content-length", "1"}}), true},
  };
  return cases;
}

TEST(Http2MalformedRequest, IsResetWithProtocolErrorAndTheConnectionLives) {
  for (const Case& test : MalformedRequests()) {
    SCOPED_TRACE(test.name);
    RawServer server;
    ASSERT_TRUE(server.Say(Headers(1, test.fields, test.end)));
    EXPECT_EQ(server.ResetOf(1), H2Error::kProtocolError);
    EXPECT_FALSE(server.GoawayCode().has_value());
    const TestStream& stream = server.stream(1);
    EXPECT_TRUE(stream.malformed());
    EXPECT_TRUE(stream.got_head && stream.got_closed);
    EXPECT_NE(std::string_view(stream.head_error().detail), "");
    EXPECT_EQ(stream.head_error().code, base::ErrorCode::kBadRequest);
    // The next one is fine.
    ASSERT_TRUE(server.Say(Headers(3, GetFields())));
    EXPECT_FALSE(server.stream(3).malformed());
    EXPECT_TRUE(server.stream(3).got_head);
    EXPECT_EQ(server.session.streams(), 1u);
  }
}

TEST(Http2MalformedRequest, IsTheSameByteByByte) {
  for (const Case& test : MalformedRequests()) {
    SCOPED_TRACE(test.name);
    RawServer server;
    ASSERT_TRUE(server.Say(Headers(1, test.fields, test.end), 1));
    EXPECT_EQ(server.ResetOf(1), H2Error::kProtocolError);
    EXPECT_TRUE(server.stream(1).malformed());
  }
}

struct Answered {
  const char* name;
  Fields fields;
  base::ErrorCode code;
};

TEST(Http2Request, ThatIsNotServedHasAnAnswer) {
  const std::vector<Answered> cases = {
      {"unknown method",
       {{":method", "BREW"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}},
       base::ErrorCode::kUnknownMethod},
      {"long method",
       {{":method", std::string(40, 'A')}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}},
       base::ErrorCode::kUnknownMethod},
      {"TRACE",
       {{":method", "TRACE"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}},
       base::ErrorCode::kMethodNotAllowed},
      {"CONNECT", {{":method", "CONNECT"}, {":authority", "a:443"}}, base::ErrorCode::kMethodNotAllowed},
      {"another protocol",
       {{":method", "CONNECT"}, {":protocol", "xmpp"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}},
       base::ErrorCode::kUnknownMethod},
      {"expectation", GetFields({{"expect", "200-ok"}}), base::ErrorCode::kExpectationFailed},
      {"long target",
       {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/" + std::string(9000, 'a')}},
       base::ErrorCode::kTargetTooLong},
      {"long field", GetFields({{"a", std::string(17'000, 'b')}}), base::ErrorCode::kHeaderTooLarge},
  };
  for (const Answered& test : cases) {
    SCOPED_TRACE(test.name);
    RawServer server;
    const std::string block = Block(test.fields);
    // A frame holds 16 KiB.
    std::string bytes = Frame(kHeaders, block.size() > 16'000 ? kEndStream : kEndStream | kEndHeaders, 1,
                              std::string_view(block).substr(0, 16'000));
    if (block.size() > 16'000) bytes += Frame(kContinuation, kEndHeaders, 1, std::string_view(block).substr(16'000));
    ASSERT_TRUE(server.Say(bytes));
    EXPECT_FALSE(server.ResetOf(1).has_value());
    TestStream& stream = server.stream(1);
    EXPECT_TRUE(stream.got_head);
    EXPECT_FALSE(stream.malformed());
    EXPECT_EQ(stream.head_error().code, test.code) << stream.head_error().detail;
    EXPECT_EQ(stream.head_error().side, base::Side::kClient);
    // It can be answered.
    ResponseHead response(stream.arena);
    response.status = 400;
    server.session.SubmitResponse(stream, response, {}, base::End::kYes);
    server.Drain();
    EXPECT_EQ(server.Count(kHeaders), 1u);
    EXPECT_TRUE(stream.got_closed);
  }
}

TEST(Http2Request, ThatIsRefusedKeepsItsMethod) {
  const Fields large = PostFields({{"x", std::string(40'000, 'x')}});
  Fields unknown = GetFields();
  unknown[0].second = "BREW";
  Fields trace = GetFields();
  trace[0].second = "TRACE";
  const std::pair<Fields, Method> cases[] = {
      {large, Method::kPost}, {unknown, Method::kOther}, {trace, Method::kTrace}};
  for (const auto& [fields, method] : cases) {
    RawServer server;
    const std::string block = Block(fields);
    server.Say(Frame(kHeaders, kEndStream, 1, std::string_view(block).substr(0, 16'000)));
    for (size_t at = 16'000; at < block.size(); at += 16'000) {
      server.Say(Frame(kContinuation, 0, 1, std::string_view(block).substr(at, 16'000)));
    }
    server.Say(Frame(kContinuation, kEndHeaders, 1));
    ASSERT_TRUE(server.stream(1).got_head);
    EXPECT_NE(server.stream(1).head_error().code, base::ErrorCode::kNone);
    EXPECT_EQ(server.stream(1).head.method, method);
  }
}

TEST(Http2Request, ThatIsRefusedKeepsWhatIsKnownOfItForTheLog) {
  const std::pair<std::string, std::string> large = {"x", std::string(17'000, 'x')};
  const std::string long_path = "/" + std::string(9'000, 'a');
  const struct {
    const char* name;
    Fields fields;
    const char* path;
    const char* host;
  } cases[] = {
      {"too large",
       {{":method", "GET"}, {":scheme", "http"}, {":path", "/x?y"}, {":authority", "A:80"}, large},
       "/x",
       "a"},
      {"too large, without :authority",
       {{":method", "GET"}, {":scheme", "http"}, {":path", "/x"}, {"host", "a"}, large},
       "/x",
       "a"},
      {"malformed",
       {{":method", "GET"}, {":scheme", "http"}, {":path", "/x"}, {":authority", "a"}, {"b", "\x01"}},
       "/x",
       "a"},
      {"malformed path", {{":method", "GET"}, {":scheme", "http"}, {":path", "/../x"}, {":authority", "a"}}, "", "a"},
      {"malformed host", {{":method", "GET"}, {":scheme", "http"}, {":path", "/x"}, {":authority", "u@a"}}, "/x", ""},
      {"long path", {{":method", "GET"}, {":scheme", "http"}, {":path", long_path}, {":authority", "a"}}, "", "a"},
      {"no path", {{":method", "CONNECT"}, {":authority", "a:443"}}, "", "a"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    RawServer server;
    const std::string block = Block(test.fields);
    server.Say(Frame(kHeaders, kEndStream, 1, std::string_view(block).substr(0, 16'000)));
    server.Say(Frame(kContinuation, kEndHeaders, 1, block.size() > 16'000 ? block.substr(16'000) : std::string()));
    const TestStream& stream = server.stream(1);
    EXPECT_NE(stream.head_error().code, base::ErrorCode::kNone);
    EXPECT_EQ(stream.head.path, test.path);
    EXPECT_EQ(stream.head.host, test.host);
  }
}

TEST(Http2Request, WhoAsksIsNotBelievedWhereFieldsWereLost) {
  const Fields forwarded = GetFields({{"x-forwarded-for", "192.0.2.1"}, {"x-request-id", "i"}});
  for (const auto& [field, count] : {std::pair{std::pair{"expect", "x"}, 1U}, std::pair{std::pair{"b", "\x01"}, 0U}}) {
    SCOPED_TRACE(field.first);
    Fields fields = forwarded;
    fields.emplace_back(field.first, field.second);
    RawServer server;
    server.Say(Headers(1, fields));
    EXPECT_NE(server.stream(1).head_error().code, base::ErrorCode::kNone);
    EXPECT_EQ(server.stream(1).head.headers.Count(HeaderId::kXForwardedFor), count);
    EXPECT_EQ(server.stream(1).head.headers.Count(HeaderId::kXRequestId), count);
  }
}

TEST(Http2Request, ThatIsTooLargeIsKnownAsGrpcWhereverItsContentTypeIs) {
  const std::pair<std::string, std::string> type = {"content-type", "application/grpc"};
  const std::pair<std::string, std::string> large = {"x", std::string(17'000, 'x')};
  for (const Fields& more : {Fields{type, large}, Fields{large, type}}) {
    RawServer server;
    const std::string block = Block(PostFields(more));
    server.Say(Frame(kHeaders, 0, 1, std::string_view(block).substr(0, 16'000)));
    server.Say(Frame(kContinuation, kEndHeaders, 1, std::string_view(block).substr(16'000)));
    EXPECT_EQ(server.stream(1).head_error().code, base::ErrorCode::kHeaderTooLarge);
    EXPECT_TRUE(server.stream(1).head.is_grpc);
  }
}

// RFC 9110 8.6: whoever reads it in HTTP/1.1 wants to know that there is none.
TEST(Http2Request, WithoutABodySaysSoWhereItsMethodHasOne) {
  for (const char* method : {"POST", "PUT", "PATCH"}) {
    RawServer server;
    Fields fields = GetFields();
    fields[0].second = method;
    ASSERT_TRUE(server.Say(Headers(1, fields)));
    EXPECT_EQ(server.stream(1).head.body.kind, BodyKind::kLength) << method;
    EXPECT_EQ(server.stream(1).head.body.length, 0u);
    EXPECT_TRUE(server.stream(1).remote_ended());
  }
  RawServer server;
  ASSERT_TRUE(server.Say(Headers(1, GetFields()) + Headers(3, GetFields({{"content-length", "0"}}))));
  EXPECT_EQ(server.stream(1).head.body.kind, BodyKind::kNone);
  EXPECT_EQ(server.stream(3).head.body.kind, BodyKind::kLength) << "as it was said";
}

TEST(Http2Request, AgainstContentLengthIsReset) {
  const struct {
    const char* name;
    std::vector<std::string> frames;
    std::string_view kept;
  } cases[] = {
      {"more in one frame", {Data(1, "hello world", false)}, ""},
      {"more in a later frame", {Data(1, "hell", false), Data(1, "o!", false)}, "hell"},
      {"more in the last frame", {Data(1, "hello", false), Data(1, "!", true)}, "hello"},
      {"less", {Data(1, "hell", true)}, "hell"},
      {"less, with an empty end", {Data(1, "hell", false), Data(1, "", true)}, "hell"},
      {"less, with trailers", {Data(1, "hell", false), Headers(1, {{"a", "b"}})}, "hell"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    RawServer server;
    server.Say(Headers(1, PostFields({{"content-length", "5"}}), false));
    EXPECT_EQ(server.stream(1).head.body.kind, BodyKind::kLength);
    for (const std::string& frame : test.frames) ASSERT_TRUE(server.Say(frame));
    EXPECT_EQ(server.ResetOf(1), H2Error::kProtocolError);
    const TestStream& stream = server.stream(1);
    EXPECT_TRUE(stream.malformed());
    EXPECT_NE(stream.body_error().code, base::ErrorCode::kNone);
    EXPECT_EQ(stream.received_text(), test.kept);
    EXPECT_FALSE(stream.remote_ended());
    EXPECT_TRUE(stream.got_closed);
  }
}

TEST(Http2Request, WithBadTrailersIsReset) {
  const Fields cases[] = {
      {{":path", "/"}},         {{"content-length", "5"}},        {{"transfer-encoding", "chunked"}},
      {{"authorization", "x"}}, {{"x-forwarded-for", "1.2.3.4"}}, {{"Upper", "x"}},
      {{"a", "b\r\nc"}},        {{"a", std::string(9000, 'b')}},  Fields(40, {"a", "b"})};
  for (const Fields& trailers : cases) {
    SCOPED_TRACE(trailers[0].first);
    RawServer server;
    server.Say(Headers(1, PostFields(), false));
    server.Say(Data(1, "hello", false));
    ASSERT_TRUE(server.Say(Headers(1, trailers)));
    EXPECT_EQ(server.ResetOf(1), H2Error::kProtocolError);
    EXPECT_TRUE(server.stream(1).malformed());
    EXPECT_NE(server.stream(1).body_error().code, base::ErrorCode::kNone);
    EXPECT_EQ(server.stream(1).trailers(), nullptr);
  }
}

TEST(Http2Request, WithAHeadInTheMiddleOfItsBodyIsReset) {
  RawServer server;
  server.Say(Headers(1, PostFields(), false));
  ASSERT_TRUE(server.Say(Headers(1, {{"a", "b"}}, false)));
  EXPECT_EQ(server.ResetOf(1), H2Error::kProtocolError);
  EXPECT_TRUE(server.stream(1).malformed());
}

}  // namespace
}  // namespace headgate::http::h2
