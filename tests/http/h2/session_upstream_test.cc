// A client's session: its connection carries the streams of many clients, who must not suffer for each other.
#include <gtest/gtest.h>

#include "tests/http/h2/raw_peer.h"

namespace headgate::http::h2 {
namespace {

uint64_t ConnectionCredit(const RawPeer& peer) {
  uint64_t credit = 0;
  for (const ParsedFrame& frame : peer.frames) {
    if (frame.type == kWindowUpdate && frame.id == 0) credit += frame.number(0);
  }
  return credit;
}

// Has more requests, 1, 3, 5 ... in all, each with a response head.
void AnswerMany(RawClient& client, size_t count) {
  client.take_bodies = false;
  for (size_t i = 1; i < count; ++i) client.Request(client.head);
  client.Drain();
  for (size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(client.Say(Headers(static_cast<int32_t>(2 * i + 1), {{":status", "200"}}, false)));
  }
}

TEST(Http2Upstream, SlowReadersLeaveTheConnectionsWindowOpen) {
  RawClient client;
  ASSERT_NO_FATAL_FAILURE(AnswerMany(client, 90));
  uint64_t sent = 0;
  for (int32_t id = 1; id < 180; id += 2) {  // nobody takes any of it: 5.9 MB
    for (size_t left = kStreamWindowBytes; left > 0; left -= 16'384) {
      ASSERT_TRUE(client.Say(Data(id, std::string(16'384, 'x'), false)));
      sent += 16'384;
    }
  }
  EXPECT_GT(sent, kHeldBytesMax);
  EXPECT_GE(65'535 + ConnectionCredit(client), sent + kConnectionWindowBytes / 2);
}

TEST(Http2Upstream, WindowsGrowWithinTheConnectionsShare) {
  RawClient client;
  ASSERT_NO_FATAL_FAILURE(AnswerMany(client, 20));
  std::map<int32_t, uint64_t> taken;
  for (int round = 0; round < 200; ++round) {  // all of them flow
    for (int32_t id = 1; id < 40; id += 2) {
      ASSERT_TRUE(client.Say(Data(id, std::string(16'384, 'x'), false)));
      client.session.TakeBody(client.stream(id), client.stream(id).taken, SIZE_MAX);
      client.stream(id).taken.Clear();
      taken[id] += 16'384;
    }
    client.Drain();
  }
  uint64_t windows = 0;
  for (int32_t id = 1; id < 40; id += 2) {
    uint64_t credit = kStreamWindowBytes;
    for (const ParsedFrame& frame : client.frames) {
      if (frame.type == kWindowUpdate && frame.id == id) credit += frame.number(0);
    }
    windows += credit - taken[id];
  }
  EXPECT_GT(windows, 20 * kStreamWindowBytes) << "they grow";
  EXPECT_LE(windows, kHeldBytesMax);
}

TEST(Http2Upstream, MalformedResponsesAreResetAndTheirSiblingsLive) {
  RawClient client;
  for (int32_t id = 3; id < 603; id += 2) {
    ASSERT_EQ(client.Request(client.head), id);
    client.Drain();
    ASSERT_TRUE(client.Say(Headers(id, {{":status", "200"}, {"connection", "close"}}))) << id;
    EXPECT_EQ(client.ResetOf(id), H2Error::kProtocolError);
  }
  ASSERT_TRUE(client.Say(Headers(1, {{":status", "200"}})));
  EXPECT_TRUE(client.stream(1).remote_ended());
}

TEST(Http2Upstream, SmallMessagesAreNoFlood) {
  RawClient client;
  ASSERT_TRUE(client.Say(Headers(1, {{":status", "200"}}, false)));
  for (size_t i = 0; i < 100'000; ++i) ASSERT_TRUE(client.Say(Data(1, "12345678", false))) << i;
}

TEST(Http2Upstream, TrailersMayBeAsLargeAsAHead) {
  RawClient client;
  ASSERT_TRUE(client.Say(Headers(1, {{":status", "200"}}, false)));
  Fields trailers = {{"grpc-status", "3"}, {"grpc-status-details-bin", std::string(12'000, 'x')}};
  for (int i = 0; i < 60; ++i) trailers.emplace_back("x-detail-" + std::to_string(i), "v");
  ASSERT_TRUE(client.Say(Headers(1, trailers)));
  ASSERT_FALSE(client.stream(1).malformed());
  ASSERT_NE(client.stream(1).trailers(), nullptr);
  EXPECT_EQ(client.stream(1).trailers()->size(), 62u);
}

}  // namespace
}  // namespace headgate::http::h2
