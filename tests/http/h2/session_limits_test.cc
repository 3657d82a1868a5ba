#include <gtest/gtest.h>

#include "tests/http/h2/raw_peer.h"

namespace headgate::http::h2 {
namespace {

std::map<uint16_t, uint32_t> SettingsOf(const RawPeer& peer) {
  std::map<uint16_t, uint32_t> settings;
  for (const ParsedFrame& frame : peer.frames) {
    if (frame.type != kSettingsFrame || (frame.flags & kAck) != 0) continue;
    for (size_t at = 0; at + 6 <= frame.payload.size(); at += 6) {
      const auto id = static_cast<uint16_t>(frame.number(at) >> 16);
      settings[id] = frame.number(at + 2);
    }
  }
  return settings;
}

TEST(Http2Limits, AServerAnnouncesThem) {
  SessionConfig config = ServerConfig();
  config.streams_max = 77;
  config.stream_window = 100'000;
  config.head.head_bytes = 5000;
  const RawServer server(config);
  const auto settings = SettingsOf(server);
  EXPECT_EQ(settings.at(3), 77u);       // MAX_CONCURRENT_STREAMS
  EXPECT_EQ(settings.at(4), 100'000u);  // INITIAL_WINDOW_SIZE
  EXPECT_EQ(settings.at(6), 5000u);     // MAX_HEADER_LIST_SIZE
  EXPECT_EQ(settings.at(8), 1u);        // ENABLE_CONNECT_PROTOCOL
  EXPECT_EQ(settings.at(9), 1u);        // NO_RFC7540_PRIORITIES
  EXPECT_EQ(server.Count(kWindowUpdate), 1u);
}

TEST(Http2Limits, AClientAnnouncesThem) {
  const RawClient client;
  const auto settings = SettingsOf(client);
  EXPECT_EQ(settings.at(2), 0u);  // ENABLE_PUSH
  EXPECT_EQ(settings.at(4), kStreamWindowBytes);
  EXPECT_EQ(settings.count(3), 0u);
}

TEST(Http2Limits, TooManyFieldsAreAnswered) {
  for (const size_t count : {100u, 101u}) {
    RawServer server;
    ASSERT_TRUE(server.Say(Headers(1, GetFields(Fields(count, {"a", "b"})))));
    EXPECT_EQ(server.stream(1).head_error().code,
              count > 100 ? base::ErrorCode::kHeaderTooLarge : base::ErrorCode::kNone);
    EXPECT_FALSE(server.stream(1).malformed());
    EXPECT_TRUE(server.Say(Headers(3, GetFields())));
    EXPECT_EQ(server.stream(3).head_error().code, base::ErrorCode::kNone);
  }
}

TEST(Http2Limits, ACookiesPiecesHaveTheirOwn) {
  for (const size_t count : {256u, 257u}) {
    RawServer server;
    ASSERT_TRUE(server.Say(Headers(1, GetFields(Fields(count, {"cookie", "a=b"})))));
    EXPECT_EQ(server.stream(1).head_error().code,
              count > 256 ? base::ErrorCode::kHeaderTooLarge : base::ErrorCode::kNone);
    const size_t kept = server.stream(1).head.headers.Get(HeaderId::kCookie).size();
    EXPECT_TRUE(count > 256 || kept == 256u * 5 - 2) << kept;
  }
}

TEST(Http2Limits, AJoinedCookieIsOneField) {
  SessionConfig config = ServerConfig();
  config.head.field_bytes = 1000;
  RawServer server(config);
  server.Say(Headers(1, GetFields({{"cookie", std::string(600, 'a')}, {"cookie", std::string(600, 'b')}})));
  EXPECT_EQ(server.stream(1).head_error().code, base::ErrorCode::kHeaderTooLarge);
}

TEST(Http2Limits, TheListCountsAsAnnounced) {
  SessionConfig config = ServerConfig();
  config.head.head_bytes = 300;
  for (const size_t size : {67u, 68u}) {  // 4 + 32 + 67, three times, makes 309
    RawServer server(config);
    server.Say(Headers(1, GetFields({{"aaaa", std::string(size - 3, 'x')},
                                     {"aaaa", std::string(size - 3, 'x')},
                                     {"aaaa", std::string(size - 3, 'x')}})));
    EXPECT_EQ(server.stream(1).head_error().code,
              size > 67 ? base::ErrorCode::kHeaderTooLarge : base::ErrorCode::kNone);
  }
}

// A head whose text is in the decoder's table takes a byte for each field on the wire.
TEST(Http2Limits, HeadsUnderWayAreBoundedByWhatTheyTookOnTheWire) {
  RawServer server;
  std::string block = Block(GetFields()) + HpackField("x", std::string(50, 'y'), true);
  server.Say(Frame(kHeaders, kEndStream | kEndHeaders, 1, block));
  block = Block(GetFields());
  for (int i = 0; i < 90; ++i) block += HpackIndex(62);
  size_t refused = 0;
  size_t wire = 0;
  for (int32_t id = 3; refused < 50; id += 2) {
    const std::string frame = Frame(kHeaders, kEndStream | kEndHeaders, id, block);
    wire += frame.size();
    ASSERT_TRUE(server.Say(frame));
    if (server.ResetOf(id) == H2Error::kRefusedStream) ++refused;
  }
  size_t kept = 0;
  for (const auto& [id, stream] : server.streams) {
    if (!stream->closed()) kept += stream->head.headers.size() * (sizeof(HeaderField) + 50);
  }
  EXPECT_GT(kept, 50'000u);
  EXPECT_LE(kept, kHeadBytesBase + kHeadBytesPerWireByte * (wire + 300));
  EXPECT_EQ(server.session.refused_streams(), refused);
}

TEST(Http2Limits, HeaderBombsEnd) {
  RawServer server;
  std::string block = Block(GetFields()) + HpackField("x", std::string(50, 'y'), true);
  server.Say(Frame(kHeaders, kEndStream | kEndHeaders, 1, block));
  block = Block(GetFields());
  for (int i = 0; i < 90; ++i) block += HpackIndex(62);
  bool alive = true;
  for (int32_t id = 3; alive && id < 2000; id += 2) {
    alive = server.Say(Frame(kHeaders, kEndStream | kEndHeaders, id, block));
  }
  EXPECT_FALSE(alive);
  EXPECT_EQ(server.session.abuse(), Abuse::kHeaderBomb);
  EXPECT_EQ(server.GoawayCode(), H2Error::kEnhanceYourCalm);
}

TEST(Http2Limits, HeadsMayTakeMoreWhereMoreStreamsMayBeOpen) {
  SessionConfig config = ServerConfig();
  config.streams_max = 2500;
  RawServer server(config);
  std::string block = Block(GetFields()) + HpackField("x", std::string(50, 'y'), true);
  server.Say(Frame(kHeaders, kEndStream | kEndHeaders, 1, block));
  block = Block(GetFields());
  for (int i = 0; i < 12; ++i) block += HpackIndex(62);
  for (int32_t i = 1; i < 2000; ++i) {
    ASSERT_TRUE(server.Say(Frame(kHeaders, kEndStream | kEndHeaders, 2 * i + 1, block)));
  }
  EXPECT_EQ(server.session.refused_streams(), 0u);
  EXPECT_EQ(server.session.streams(), 2000u);
}

// What HPACK's table shares costs nothing: a browser repeats a large cookie in each of its hundred requests.
TEST(Http2Limits, ALargeCookieInEachOfAHundredRequestsIsNoBomb) {
  RawServer server;
  const Fields common = GetFields();
  std::string block = Block(common);
  block += HpackField("cookie", std::string(3000, 'c'), true);
  block += HpackField("user-agent", std::string(110, 'u'), true);
  for (int i = 0; i < 10; ++i) block += HpackField("x-field-" + std::to_string(i), "value", true);
  ASSERT_TRUE(server.Say(Frame(kHeaders, kEndStream | kEndHeaders, 1, block)));
  for (int32_t i = 1; i < 100; ++i) {
    std::string again = Block(common);
    for (uint64_t index = 62; index < 62 + 12; ++index) again += HpackIndex(index);
    ASSERT_TRUE(server.Say(Frame(kHeaders, kEndStream | kEndHeaders, 2 * i + 1, again)));
    ASSERT_FALSE(server.ResetOf(2 * i + 1).has_value()) << i;
    EXPECT_EQ(server.stream(2 * i + 1).head.headers.Get(HeaderId::kCookie).size(), 3000u);
  }
}

TEST(Http2Limits, SharedTextOutlivesTheTableAndTheSession) {
  auto server = std::make_unique<RawServer>();
  server->Say(
      Frame(kHeaders, kEndStream | kEndHeaders, 1, Block(GetFields()) + HpackField("x", std::string(100, 'y'), true)));
  // Another entry takes its place in the table.
  server->Say(
      Frame(kHeaders, kEndStream | kEndHeaders, 3, Block(GetFields()) + HpackField("x", std::string(4000, 'z'), true)));
  TestStream& stream = server->stream(1);
  EXPECT_EQ(stream.head.headers.Find(HeaderId::kOther, "x")->value, std::string(100, 'y'));
}

}  // namespace
}  // namespace headgate::http::h2
