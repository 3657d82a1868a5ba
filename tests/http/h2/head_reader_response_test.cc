#include <gtest/gtest.h>

#include "tests/http/h2/raw_peer.h"

namespace headgate::http::h2 {
namespace {

struct ResponseCase {
  const char* name;
  std::vector<std::string> frames;
  bool head = true;  // what is wrong is the head, not the body
};

Fields Ok(const Fields& more = {}) {
  Fields fields = {{":status", "200"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

TEST(Http2MalformedResponse, IsResetWithProtocolErrorAndTheConnectionLives) {
  const std::vector<ResponseCase> cases = {
      {"no status", {Headers(1, {{"a", "b"}})}},
      {"no fields", {Headers(1, {})}},
      {"status of two digits", {Headers(1, {{":status", "20"}})}},
      {"status of four digits", {Headers(1, {{":status", "2000"}})}},
      {"status with a sign", {Headers(1, {{":status", "+20"}})}},
      {"status 600", {Headers(1, {{":status", "600"}})}},
      {"status 099", {Headers(1, {{":status", "099"}})}},
      {"status twice", {Headers(1, Ok({{":status", "200"}}))}},
      {"status behind a field", {Headers(1, {{"a", "b"}, {":status", "200"}})}},
      {"request pseudo header", {Headers(1, Ok({{":path", "/"}}))}},
      {"101", {Headers(1, {{":status", "101"}}, false)}},
      {"interim that ends", {Headers(1, {{":status", "103"}}, true)}},
      {"upper case", {Headers(1, Ok({{"Server", "x"}}))}},
      {"white space before", {Headers(1, Ok({{"server", " x"}}))}},
      {"white space behind", {Headers(1, Ok({{"server", "x "}}))}},
      {"CRLF in a value", {Headers(1, Ok({{"server", "a\r\nb: c"}}))}},
      {"connection", {Headers(1, Ok({{"connection", "close"}}))}},
      {"transfer-encoding", {Headers(1, Ok({{"transfer-encoding", "chunked"}}), false)}},
      {"upgrade", {Headers(1, Ok({{"upgrade", "h2c"}}))}},
      {"content-length twice", {Headers(1, Ok({{"content-length", "1"}, {"content-length", "2"}}), false)}},
      {"content-length without a body", {Headers(1, Ok({{"content-length", "1"}}))}},
      {"DATA behind an interim head", {Headers(1, {{":status", "103"}}, false), Data(1, "x", true)}},
      {"a second final head", {Headers(1, Ok(), false), Headers(1, Ok(), true)}, false},
      {"a head in the body", {Headers(1, Ok(), false), Headers(1, {{"a", "b"}}, false)}, false},
      {"barred trailer", {Headers(1, Ok(), false), Headers(1, {{"content-length", "1"}})}, false},
      {"more DATA", {Headers(1, Ok({{"content-length", "1"}}), false), Data(1, "xy", true)}, false},
      {"less DATA", {Headers(1, Ok({{"content-length", "3"}}), false), Data(1, "xy", true)}, false},
      {"DATA with 204", {Headers(1, {{":status", "204"}}, false), Data(1, "x", true)}, false},
      {"DATA with 304", {Headers(1, {{":status", "304"}}, false), Data(1, "x", true)}, false},
  };
  for (const ResponseCase& test : cases) {
    SCOPED_TRACE(test.name);
    RawClient client;
    for (const std::string& frame : test.frames) ASSERT_TRUE(client.Say(frame));
    EXPECT_EQ(client.ResetOf(1), H2Error::kProtocolError);
    EXPECT_FALSE(client.GoawayCode().has_value());
    const TestStream& stream = client.stream(1);
    EXPECT_TRUE(stream.malformed());
    EXPECT_TRUE(stream.got_closed);
    EXPECT_FALSE(stream.remote_ended());
    const base::Error& error = test.head ? stream.head_error() : stream.body_error();
    EXPECT_EQ(error.code, base::ErrorCode::kUpstreamProtocol) << error.detail;
    EXPECT_EQ(error.side, base::Side::kUpstream);
    // The next one is fine.
    EXPECT_EQ(client.Request(client.head), 3);
    client.Drain();
    ASSERT_TRUE(client.Say(Headers(3, Ok())));
    EXPECT_EQ(client.stream(3).responses.size(), 1u);
    EXPECT_TRUE(client.stream(3).got_closed);
  }
}

// To nghttp2 this is the connection's fault.
TEST(Http2MalformedResponse, ThatBeginsWithDataEndsTheConnection) {
  for (const bool end : {false, true}) {
    RawClient client;
    EXPECT_FALSE(client.Say(Data(1, end ? "" : "x", end)));
    EXPECT_EQ(client.GoawayCode(), H2Error::kProtocolError);
    EXPECT_STREQ(client.session.fault(), "PROTOCOL_ERROR");
    EXPECT_FALSE(client.session.ended_for_abuse());
    const TestStream& stream = client.stream(1);
    EXPECT_TRUE(stream.got_closed);
    EXPECT_FALSE(stream.remote_ended());
    EXPECT_EQ(stream.reset_code(), H2Error::kProtocolError);
    EXPECT_EQ(stream.received_text(), "");
  }
}

TEST(Http2Response, MayStateALengthWithoutABody) {
  for (const char* status : {"200", "304"}) {
    RawClient client(Method::kHead);
    ASSERT_TRUE(client.Say(Headers(1, {{":status", status}, {"content-length", "5"}})));
    const TestStream& stream = client.stream(1);
    EXPECT_FALSE(stream.malformed()) << stream.head_error().detail;
    ASSERT_EQ(stream.responses.size(), 1u);
    EXPECT_EQ(stream.responses[0]->stated_length, 5u);
    EXPECT_EQ(stream.responses[0]->body.kind, BodyKind::kNone);
    EXPECT_TRUE(stream.remote_ended());
  }
}

TEST(Http2Response, ToHeadMayNotHaveABody) {
  RawClient client(Method::kHead);
  client.Say(Headers(1, Ok({{"content-length", "5"}}), false));
  client.Say(Data(1, "hello", true));
  EXPECT_TRUE(client.stream(1).malformed());
}

TEST(Http2Response, MayHaveAHundredInterimOnesBeforeIt) {
  for (const int interims : {100, 101}) {
    RawClient client;
    for (int i = 0; i < interims; ++i) client.Say(Headers(1, {{":status", "103"}}, false));
    client.Say(Headers(1, Ok()));
    EXPECT_EQ(client.stream(1).malformed(), interims > 100);
    EXPECT_EQ(client.stream(1).responses.size(), interims > 100 ? 100u : 101u);
  }
}

TEST(Http2Response, BeyondTheLimitsIsAnError) {
  SessionConfig config = ClientConfig();
  config.head.head_bytes = 1000;
  RawClient client(Method::kGet, config);
  ASSERT_TRUE(client.Say(Headers(1, Ok({{"a", std::string(1000, 'b')}}))));
  EXPECT_EQ(client.stream(1).head_error().code, base::ErrorCode::kUpstreamHeaderTooLarge);
  EXPECT_TRUE(client.stream(1).got_closed);
  EXPECT_TRUE(client.stream(1).responses.empty());
}

TEST(Http2Response, WithoutLengthHasABodyUntilTheEnd) {
  RawClient client;
  client.Say(Headers(1, Ok(), false));
  EXPECT_EQ(client.stream(1).responses.at(0)->body.kind, BodyKind::kChunked);
  client.Say(Data(1, "hello", true));
  EXPECT_EQ(client.stream(1).received_text(), "hello");
  EXPECT_TRUE(client.stream(1).remote_ended());
  EXPECT_TRUE(client.stream(1).got_closed);
}

TEST(Http2Response, ThatIsCutShortByAResetIsNoCleanEnd) {
  RawClient client;
  client.Say(Headers(1, Ok({{"content-length", "10"}}), false) + Data(1, "hello", false) + RstStream(1, 2));
  const TestStream& stream = client.stream(1);
  EXPECT_TRUE(stream.got_closed);
  EXPECT_TRUE(stream.reset_by_peer());
  EXPECT_EQ(stream.reset_code(), H2Error::kInternalError);
  EXPECT_FALSE(stream.remote_ended());
  EXPECT_EQ(stream.received_text(), "hello");
}

TEST(Http2Response, MayEndARequestEarly) {
  RawPeer client(ClientConfig());
  client.Feed(Frame(kSettingsFrame, 0, 0));
  base::Arena arena(client.pool);
  RequestHead head(arena);
  head.method = Method::kPost;
  head.authority = "example.com";
  head.path = "/";
  client.Request(head, false);
  client.Drain();
  client.Say(Headers(1, {{":status", "413"}}) + RstStream(1, 0));
  const TestStream& stream = client.stream(1);
  EXPECT_EQ(stream.responses.at(0)->status, 413);
  EXPECT_TRUE(stream.remote_ended());
  EXPECT_TRUE(stream.got_closed);
  EXPECT_TRUE(stream.reset_by_peer());
  EXPECT_EQ(stream.reset_code(), H2Error::kNoError);
}

}  // namespace
}  // namespace headgate::http::h2
