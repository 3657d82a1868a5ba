#include <gtest/gtest.h>

#include "tests/http/h2/raw_peer.h"

namespace headgate::http::h2 {
namespace {

uint64_t Credit(const RawPeer& peer, int32_t id) {
  uint64_t credit = 0;
  for (const ParsedFrame& frame : peer.frames) {
    if (frame.type == kWindowUpdate && frame.id == id) credit += frame.number(0);
  }
  return credit;
}

// A client that sends as much as it may on many streams, and nobody takes any of it.
struct Greedy : RawServer {
  explicit Greedy(const SessionConfig& config, size_t count) : RawServer(config) {
    take_bodies = false;
    for (size_t i = 0; i < count; ++i) {
      ids.push_back(static_cast<int32_t>(2 * i + 1));
      Say(Headers(ids.back(), PostFields(), false));
    }
  }
  // Sends what all windows allow; the bytes.
  size_t SendAll(size_t stream_window) {
    size_t sent = 0;
    for (const int32_t id : ids) {
      uint64_t& of_stream = sent_[id];
      for (int i = 0; i < 1000; ++i) {  // what is credited at once has no end
        const uint64_t stream_credit = stream_window + Credit(*this, id) - of_stream;
        const uint64_t connection_credit = 65'535 + Credit(*this, 0) - total_;
        const size_t size = std::min<uint64_t>({stream_credit, connection_credit, 16'384});
        if (size == 0) break;
        EXPECT_TRUE(Say(Data(id, std::string(size, 'x'), false)));
        of_stream += size;
        total_ += size;
        sent += size;
      }
    }
    return sent;
  }
  std::vector<int32_t> ids;

 private:
  std::map<int32_t, uint64_t> sent_;
  uint64_t total_ = 0;
};

TEST(Http2Credit, WhatIsHeldStaysBelowTheConnectionsShare) {
  SessionConfig config = ServerConfig();
  Greedy client(config, 100);
  client.SendAll(config.stream_window);
  EXPECT_LE(client.session.held_bytes(), config.held_bytes_max);
  EXPECT_GE(client.session.held_bytes(), config.held_bytes_max - kConnectionWindowBytes);
  // Nothing more is allowed until something is taken.
  EXPECT_EQ(client.SendAll(config.stream_window), 0u);
  for (const int32_t id : client.ids) client.session.TakeBody(client.stream(id), client.stream(id).taken, SIZE_MAX);
  EXPECT_EQ(client.session.held_bytes(), 0u);
  client.Drain();
  EXPECT_GT(client.SendAll(config.stream_window), 1'000'000u);
}

TEST(Http2Credit, ASlowStreamDoesNotStopItsSiblings) {
  Greedy client(ServerConfig(), 2);
  TestStream& slow = client.stream(1);
  TestStream& quick = client.stream(3);
  size_t moved = 0;
  for (int i = 0; i < 100; ++i) {
    moved += client.SendAll(kStreamWindowBytes);
    client.session.TakeBody(quick, quick.taken, SIZE_MAX);
    client.Drain();
  }
  EXPECT_EQ(slow.received(), kStreamWindowBytes);
  EXPECT_GT(moved, 5'000'000u);
}

TEST(Http2Credit, AWindowGrowsWhileItsStreamFlows) {
  Greedy client(ServerConfig(), 1);
  TestStream& stream = client.stream(1);
  for (int i = 0; i < 100; ++i) {
    client.SendAll(kStreamWindowBytes);
    client.session.TakeBody(stream, stream.taken, SIZE_MAX);
    stream.taken.Clear();
    client.Drain();
  }
  EXPECT_GT(client.SendAll(kStreamWindowBytes), 900'000u);
  EXPECT_LE(stream.received(), kStreamWindowBytesMax);
}

TEST(Http2Credit, AWindowStaysWhenItsBytesAreTakenLate) {
  Greedy client(ServerConfig(), 1);
  TestStream& stream = client.stream(1);
  for (int i = 0; i < 100; ++i) {
    client.SendAll(kStreamWindowBytes);
    client.session.TakeBody(stream, stream.taken, stream.received() - 1);
    client.Drain();
  }
  client.SendAll(kStreamWindowBytes);
  EXPECT_LE(stream.received(), kStreamWindowBytes);
}

TEST(Http2Credit, DiscardedBytesAreCreditedAtOnce) {
  Greedy client(ServerConfig(), 1);
  TestStream& stream = client.stream(1);
  client.SendAll(kStreamWindowBytes);
  EXPECT_GT(client.session.held_bytes(), 0u);
  client.session.DiscardBody(stream);
  client.Drain();
  EXPECT_EQ(client.session.held_bytes(), 0u);
  const size_t sent = client.SendAll(kStreamWindowBytes);
  EXPECT_GT(sent, 1'000'000u);
  EXPECT_EQ(stream.received(), 0u);
  EXPECT_EQ(stream.body_bytes(), sent + kStreamWindowBytes);
  // Trailers are judged and not kept.
  client.Say(Headers(1, {{"x-checksum", "1"}}));
  EXPECT_EQ(stream.trailers(), nullptr);
  EXPECT_TRUE(stream.remote_ended());
}

TEST(Http2Credit, DiscardedTrailersAreJudged) {
  RawServer server;
  server.Say(Headers(1, PostFields(), false));
  server.session.DiscardBody(server.stream(1));
  server.Say(Headers(1, {{"content-length", "1"}}));
  EXPECT_TRUE(server.stream(1).malformed());
}

TEST(Http2Credit, BytesOfStreamsThatWereResetAreCredited) {
  RawServer server;
  server.Say(Headers(1, PostFields(), false));
  server.session.Reset(server.stream(1), H2Error::kCancel);
  server.Drain();
  size_t sent = 0;
  while (sent < 10'000'000) {
    ASSERT_TRUE(server.Say(Data(1, std::string(16'384, 'x'), false)));
    sent += 16'384;
  }
  EXPECT_EQ(server.session.held_bytes(), 0u);
  EXPECT_GE(Credit(server, 0) + 65'535, sent);
}

TEST(Http2Credit, DataBeyondAStreamsWindowIsAFlowControlError) {
  RawServer server;
  server.take_bodies = false;
  server.Say(Headers(1, PostFields(), false));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(server.Say(Data(1, std::string(16'384, 'x'), false)));
  EXPECT_EQ(server.ResetOf(1), H2Error::kFlowControlError);
  EXPECT_TRUE(server.stream(1).got_closed);
  EXPECT_EQ(server.stream(1).reset_code(), H2Error::kFlowControlError);
}

// RFC 9113 6.9.2.
TEST(Http2Credit, SettingsThatOverflowAStreamsWindowEndTheConnection) {
  RawServer server;
  ASSERT_TRUE(server.Say(Headers(1, GetFields()) + Headers(3, GetFields())));
  ASSERT_TRUE(server.Say(Frame(kSettingsFrame, 0, 0, Big(4, 2) + Big(100'000, 4))));
  ASSERT_TRUE(server.Say(WindowUpdate(1, 0x7fffffff - 100'000)));
  EXPECT_FALSE(server.Say(Frame(kSettingsFrame, 0, 0, Big(4, 2) + Big(100'001, 4))));
  EXPECT_EQ(server.GoawayCode(), H2Error::kFlowControlError);
}

TEST(Http2Credit, SmallPiecesDoNotPinSlabs) {
  RawServer server;
  server.take_bodies = false;
  server.Say(Headers(1, PostFields(), false));
  const size_t before = server.pool.lent();
  for (int i = 0; i < 1000; ++i) server.Say(Data(1, "0123456789abcdef0123456789abcdef", false));
  EXPECT_EQ(server.session.held_bytes(), 32'000u);
  EXPECT_LE(server.pool.lent() - before, 3u);
  EXPECT_EQ(server.stream(1).received(), 32'000u);
}

TEST(Http2Credit, AClosedStreamsBytesMayBeTakenLater) {
  RawClient client;
  client.take_bodies = false;
  client.Say(Headers(1, {{":status", "200"}}, false) + Data(1, std::string(10'000, 'x'), true));
  TestStream& stream = client.stream(1);
  EXPECT_TRUE(stream.got_closed);
  EXPECT_EQ(client.session.streams(), 0u);
  EXPECT_EQ(client.session.held_bytes(), 10'000u);
  client.session.TakeBody(stream, stream.taken, 4'000);
  EXPECT_EQ(client.session.held_bytes(), 6'000u);
  client.session.TakeBody(stream, stream.taken, SIZE_MAX);
  EXPECT_EQ(client.session.held_bytes(), 0u);
  EXPECT_EQ(stream.received_text(), std::string(10'000, 'x'));
}

TEST(Http2Credit, NothingStaysLentWhenAllIsOver) {
  Peers peers;
  const int32_t id = peers.client.Request(*peers.Post(), false);
  peers.client.SendText(peers.client.stream(id), std::string(50'000, 'x'), true);
  peers.Exchange();
  peers.server.stream(id).taken.Clear();
  EXPECT_EQ(peers.server.pool.lent(), 0u);
}

}  // namespace
}  // namespace headgate::http::h2
