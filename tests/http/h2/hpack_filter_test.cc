// Fields that nghttp2 would end the connection for: the stream is answered, and the decoder's table stays in step.
#include "http/h2/hpack_filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/rng.h"
#include "tests/http/h2/raw_peer.h"

namespace headgate::http::h2 {
namespace {

using base::ErrorCode;

constexpr size_t kFrameBytes = 16'384;

// A block in as many frames as it takes.
std::string Frames(int32_t id, std::string_view block) {
  std::string frames;
  for (size_t at = 0; at == 0 || at < block.size(); at += kFrameBytes) {
    const bool last = at + kFrameBytes >= block.size();
    const int flags = (at == 0 ? kEndStream : 0) | (last ? kEndHeaders : 0);
    frames += Frame(at == 0 ? kHeaders : kContinuation, flags, id, block.substr(at, kFrameBytes));
  }
  return frames;
}

// A string of so many bytes on the wire, in plain or in Huffman's code: each "a" is 00011, at the end comes a padding.
std::string Raw(size_t bytes) { return HpackInteger(bytes, 7, 0) + std::string(bytes, 'v'); }
std::string Huffman(size_t bytes) {
  std::string bits;
  while (bits.size() + 5 <= bytes * 8) bits += "00011";
  bits.resize(bytes * 8, '1');
  std::string text = HpackInteger(bytes, 7, 0x80);
  for (size_t i = 0; i < bits.size(); i += 8) text += static_cast<char>(std::stoi(bits.substr(i, 8), nullptr, 2));
  return text;
}

struct LongField {
  const char* name;
  std::string field;
  bool empties;  // the decoder's table
};

std::vector<LongField> LongFields(size_t bytes) {
  const std::string plain(1, '\x00');
  const std::string indexed = "\x40";
  const std::string never = "\x10";
  return {{"value", plain + HpackString("x-long") + Raw(bytes), false},
          {"value in Huffman's code", plain + HpackString("x-long") + Huffman(bytes), false},
          {"value never for a table", never + HpackString("x-long") + Raw(bytes), false},
          {"value for the table", indexed + HpackString("x-long") + Raw(bytes), true},
          {"value for the table in Huffman's code", indexed + HpackString("x-long") + Huffman(bytes), true},
          {"value of a name in the table", HpackInteger(58, 4, 0) + Raw(bytes), false},  // user-agent
          {"value of a name in the table, for the table", HpackInteger(58, 6, 0x40) + Huffman(bytes), true},
          {"name", plain + Raw(bytes) + HpackString("value"), false},
          {"name in Huffman's code", plain + Huffman(bytes) + HpackString(""), false},
          {"name for the table", indexed + Raw(bytes) + HpackString("value"), true}};
}

class HpackFilterTest : public ::testing::TestWithParam<size_t> {
 protected:
  size_t piece() const { return GetParam(); }
};

TEST_P(HpackFilterTest, AFieldBeyondTheLibrarysBoundIsAnsweredAndTheConnectionLives) {
  for (const size_t bytes : {65'536u, 65'537u, 70'000u, 80'000u, 81'919u}) {
    if (piece() < 100 && bytes != 70'000) continue;  // slow
    for (const LongField& test : LongFields(bytes)) {
      SCOPED_TRACE(std::string(test.name) + " of " + std::to_string(bytes));
      RawServer server;
      ASSERT_TRUE(server.Say(Frames(1, Block(PostFields()) + HpackField("x-kept", "before", true))));
      // A pseudo header may follow it.
      const std::string block =
          Block({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}) + test.field + HpackField("x-last", "1");
      ASSERT_TRUE(server.Say(Frames(3, block), piece())) << server.session.fault();
      EXPECT_FALSE(server.stream(3).malformed());
      EXPECT_EQ(server.stream(3).head_error().code, ErrorCode::kHeaderTooLarge);
      std::string next = Block(GetFields());
      next += test.empties ? HpackField("x-kept", "after", true) : "";
      ASSERT_TRUE(server.Say(Frames(5, next + HpackIndex(62)), piece()));
      ASSERT_EQ(server.stream(5).head_error().code, ErrorCode::kNone);
      const HeaderField* kept = server.stream(5).head.headers.Find(HeaderId::kOther, "x-kept");
      ASSERT_NE(kept, nullptr);
      EXPECT_EQ(kept->value, test.empties ? "after" : "before");
      EXPECT_EQ(server.session.streams(), 3u) << "its siblings live";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(InPieces, HpackFilterTest, ::testing::Values(base::kSlabBytes, 1, 1000));

TEST(HpackFilter, ALongTargetIsAnsweredAsOne) {
  RawServer server;
  const std::string block = Block({{":method", "GET"}, {":scheme", "http"}}) + HpackInteger(4, 4, 0) + Raw(80'000) +
                            Block({{":authority", "example.com"}});
  ASSERT_TRUE(server.Say(Frames(1, block)));
  EXPECT_EQ(server.stream(1).head_error().code, ErrorCode::kTargetTooLong);
}

TEST(HpackFilter, LimitsAboveTheLibrarysMakeNoDifference) {
  SessionConfig config = ServerConfig();
  config.head = {.head_bytes = 1 << 20, .field_bytes = 1 << 20, .fields = 100, .target_bytes = 1 << 20};
  RawServer server(config);
  ASSERT_TRUE(server.Say(Frames(1, Block(GetFields()) + HpackField("x-fits", std::string(65'000, 'x')))));
  EXPECT_EQ(server.stream(1).head_error().code, ErrorCode::kNone);
  ASSERT_TRUE(server.Say(Frames(3, Block(GetFields()) + HpackField("x-long", std::string(80'000, 'x')))));
  EXPECT_EQ(server.stream(3).head_error().code, ErrorCode::kHeaderTooLarge);
  ASSERT_FALSE(server.frames.empty());
  const std::string& settings = server.frames[0].payload;
  EXPECT_NE(settings.find(Big(6, 2) + Big(128 * 1024, 4)), std::string::npos) << "what is announced is what is kept";
}

TEST(HpackFilter, PaddingAndPriorityAreNoPartOfABlock) {
  constexpr int kPriorityFlag = 0x20;
  RawServer server;
  const std::string block = Block(GetFields()) + HpackField("x-long", std::string(70'000, 'x'));
  std::string frames = Frame(kHeaders, kEndStream | kPadded | kPriorityFlag, 1,
                             "\x04" + Big(0, 4) + "\x10" + block.substr(0, 10'000) + std::string(4, '\0'));
  for (size_t at = 10'000; at < block.size(); at += kFrameBytes) {
    frames +=
        Frame(kContinuation, at + kFrameBytes >= block.size() ? kEndHeaders : 0, 1, block.substr(at, kFrameBytes));
  }
  ASSERT_TRUE(server.Say(frames, 100)) << server.session.fault();
  EXPECT_EQ(server.stream(1).head_error().code, ErrorCode::kHeaderTooLarge);
  ASSERT_TRUE(server.Say(Headers(3, GetFields())));
}

TEST(HpackFilter, AStringBeyondAnyHeadsBoundsIsAFlood) {
  for (const size_t bytes : {131'073u, 200'000u, 3'000'000u}) {
    RawServer server;
    const std::string begin = Block(GetFields()) + HpackInteger(58, 4, 0) + HpackInteger(bytes, 7, 0);
    EXPECT_FALSE(server.Say(Frame(kHeaders, kEndStream, 1, begin)));
    EXPECT_TRUE(server.session.ended_for_abuse());
    EXPECT_EQ(server.session.abuse(), Abuse::kContinuation);
    EXPECT_EQ(server.GoawayCode(), H2Error::kEnhanceYourCalm);
  }
}

TEST(HpackFilter, InTrailersItIsMalformed) {
  RawServer server;
  ASSERT_TRUE(server.Say(Headers(1, PostFields(), false)));
  ASSERT_TRUE(server.Say(Frames(1, HpackField("x-long", std::string(70'000, 'x')))));
  EXPECT_TRUE(server.stream(1).malformed());
  ASSERT_TRUE(server.Say(Headers(3, GetFields())));
}

TEST(HpackFilter, AnUpstreamsFieldFailsItsStreamAlone) {
  RawClient client;
  const int32_t sibling = client.Request(client.head);
  client.Drain();
  ASSERT_TRUE(
      client.Say(Frames(1, Block({{":status", "200"}}) + HpackField("x-long", std::string(80'000, 'x'), true))));
  EXPECT_EQ(client.stream(1).head_error().code, ErrorCode::kUpstreamHeaderTooLarge);
  ASSERT_TRUE(client.Say(Headers(sibling, {{":status", "200"}})));
  EXPECT_EQ(client.stream(sibling).responses.size(), 1u);
}

// Whatever the block: nothing that is within the bounds is changed, in whatever pieces it comes.
TEST(HpackFilter, ChangesNothingElse) {
  base::Rng rng(7);
  for (int round = 0; round < 200; ++round) {
    std::string block;
    for (uint64_t fields = rng.Below(8); fields-- > 0;) {
      const std::string name(rng.Below(300), 'n');
      const std::string value(rng.Below(20) == 0 ? rng.Below(65'537) : rng.Below(300), 'v');
      switch (rng.Below(5)) {
        case 0:
          block += HpackIndex(1 + rng.Below(300));
          break;
        case 1:
          block += HpackInteger(rng.Below(5000), 5, 0x20);
          break;
        case 2:
          block += HpackInteger(1 + rng.Below(300), 6, 0x40) + HpackString(value);
          break;
        case 3:
          block += HpackInteger(1 + rng.Below(300), 4, 0x10) + HpackString(value);
          break;
        default:
          block += HpackField(name, value, rng.Below(2) == 0);
      }
    }
    std::string passed = block;
    HpackFilter filter;
    filter.BeginBlock();
    for (size_t at = 0; at < passed.size();) {
      const size_t piece = std::min<size_t>(1 + rng.Below(100), passed.size() - at);
      ASSERT_TRUE(filter.Pass({passed.data() + at, piece}));
      at += piece;
    }
    ASSERT_EQ(passed, block);
  }
}

}  // namespace
}  // namespace headgate::http::h2
