#include "proxy/net/transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "proxy/net/listen_socket.h"
#include "tests/proxy/net/loop.h"

namespace headgate::proxy::net {
namespace {

std::string Noise(size_t bytes) {
  std::string noise(bytes, '\0');
  uint64_t state = 88172645463325252u;
  for (char& byte : noise) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    byte = static_cast<char>(state);
  }
  return noise;
}

// Two peers on one loop, connected.
class TransportTest : public testing::Test {
 protected:
  void Connect() {
    const auto [one, two] = TcpPair();
    ASSERT_TRUE(a.transport.Attach(one));
    ASSERT_TRUE(b.transport.Attach(two));
  }
  Loop loop;
  Peer a{loop};
  Peer b{loop};
};

TEST_F(TransportTest, WhatIsWrittenArrives) {
  Connect();
  a.Send("hello");
  EXPECT_TRUE(a.outgoing.empty());
  ASSERT_TRUE(loop.Until([&] { return b.received == "hello"; }));
  EXPECT_FALSE(b.transport.is_tls());
  EXPECT_EQ(b.transport.certificate_index(), -1);
  EXPECT_EQ(b.transport.tls_version(), "");
}

TEST_F(TransportTest, AReadThatGotLessThanItAskedForKnowsThatTheSocketIsEmpty) {
  Connect();
  b.reading = false;
  a.Send("hello");
  ASSERT_TRUE(loop.Until([&] { return b.transport.maybe_readable(); }));
  char buffer[16];
  const IoResult result = b.transport.Read(buffer);
  EXPECT_EQ(result.status, IoStatus::kOk);
  EXPECT_EQ(result.bytes, 5u);
  EXPECT_FALSE(b.transport.maybe_readable());
  EXPECT_EQ(b.transport.Read(buffer).status, IoStatus::kBlocked);
}

TEST_F(TransportTest, AReadThatFilledItsBufferKeepsTheSocketReadable) {
  Connect();
  b.reading = false;
  a.Send("hello");
  ASSERT_TRUE(loop.Until([&] { return b.transport.maybe_readable(); }));
  char buffer[5];
  EXPECT_EQ(b.transport.Read(buffer).bytes, 5u);
  EXPECT_TRUE(b.transport.maybe_readable());
  EXPECT_EQ(b.transport.Read(buffer).status, IoStatus::kBlocked);
  EXPECT_FALSE(b.transport.maybe_readable());
}

TEST_F(TransportTest, BytesBeforeAnEndAreReadAndThenTheEnd) {
  Connect();
  b.read_bytes = 3;
  b.reading = false;
  a.Send("hello");
  a.transport.ShutdownWrite();
  ASSERT_TRUE(loop.Until([&] { return b.transport.hangup(); }));
  EXPECT_TRUE(b.transport.maybe_readable());
  b.reading = true;
  b.OnTransportReady();
  EXPECT_EQ(b.received, "hello");
  EXPECT_EQ(b.end, IoStatus::kEof);
  EXPECT_FALSE(b.transport.maybe_readable());
  char byte[1];
  EXPECT_EQ(b.transport.Read(byte).status, IoStatus::kEof) << "an end stays one";
}

TEST_F(TransportTest, OurSideStaysOpenAfterThePeerEndedIts) {
  Connect();
  a.transport.ShutdownWrite();
  ASSERT_TRUE(loop.Until([&] { return b.over(); }));
  b.Send("still here");
  ASSERT_TRUE(loop.Until([&] { return a.received == "still here"; }));
}

TEST_F(TransportTest, AResetIsAFailureAndNoEnd) {
  Connect();
  a.transport.Close(true);
  ASSERT_TRUE(loop.Until([&] { return b.over(); }));
  EXPECT_EQ(b.end, IoStatus::kFailed);
  EXPECT_FALSE(a.transport.open());
  b.Send("anyone?");
  EXPECT_EQ(b.last_write, IoStatus::kFailed) << "and no signal";
}

TEST_F(TransportTest, ACloseWithoutResetIsAnEnd) {
  Connect();
  a.transport.Close();
  a.transport.Close();
  ASSERT_TRUE(loop.Until([&] { return b.over(); }));
  EXPECT_EQ(b.end, IoStatus::kEof);
}

TEST_F(TransportTest, TenMebibytesPassBothWaysAtOnce) {
  Connect();
  const std::string there = Noise(10 << 20);
  const std::string back(there.rbegin(), there.rend());
  b.by_span = true;
  a.Send(there);
  EXPECT_EQ(a.last_write, IoStatus::kBlocked);
  b.Send(back);
  ASSERT_TRUE(loop.Until([&] { return a.received.size() == back.size() && b.received.size() == there.size(); }));
  EXPECT_TRUE(a.received == back);
  EXPECT_TRUE(b.received == there);
  EXPECT_TRUE(a.outgoing.empty());
}

TEST_F(TransportTest, AWriterWaitsForAReaderThatDoesNotRead) {
  Connect();
  const std::string much = Noise(10 << 20);
  b.reading = false;
  a.Send(much);
  loop.Settle();
  EXPECT_EQ(a.last_write, IoStatus::kBlocked);
  const size_t waiting = a.outgoing.size();
  EXPECT_GT(waiting, 0u);
  const int calls = a.calls;
  loop.Settle();
  EXPECT_EQ(a.calls, calls) << "a full socket is quiet";
  b.reading = true;
  b.OnTransportReady();
  ASSERT_TRUE(loop.Until([&] { return b.received.size() == much.size(); }));
  EXPECT_TRUE(b.received == much);
}

TEST_F(TransportTest, ManySmallSlicesArriveInOrder) {
  Connect();
  std::string expected;
  std::vector<std::string> pieces;
  for (int i = 0; i < 500; ++i) pieces.push_back("piece " + std::to_string(i) + ";");
  for (const std::string& piece : pieces) {
    expected += piece;
    a.outgoing.Append(base::Slice::Unowned(piece));
  }
  a.OnTransportReady();
  ASSERT_TRUE(loop.Until([&] { return b.received.size() == expected.size(); }));
  EXPECT_EQ(b.received, expected);
}

TEST_F(TransportTest, ReadChainTakesNoMoreThanItMay) {
  Connect();
  b.reading = false;
  const std::string sent = Noise(1000);
  a.Send(sent);
  ASSERT_TRUE(loop.Until([&] { return b.transport.maybe_readable(); }));
  base::Chain chain;
  EXPECT_EQ(b.transport.ReadChain(b.slabs, chain, 100).bytes, 100u);
  EXPECT_EQ(chain.size(), 100u);
  EXPECT_EQ(b.transport.ReadChain(b.slabs, chain, 0).status, IoStatus::kBlocked);
  EXPECT_EQ(b.transport.ReadChain(b.slabs, chain, 5000).bytes, 900u);
  EXPECT_EQ(b.slabs.lent(), 1u) << "the second piece lies behind the first";
}

TEST_F(TransportTest, ABodyInSmallPiecesFillsItsSlabs) {
  Connect();
  b.reading = false;
  base::Chain chain;
  const std::string piece(7, 'p');
  for (int i = 0; i < 500; ++i) {
    a.Send(piece);
    ASSERT_TRUE(loop.Until([&] { return b.transport.maybe_readable(); }));
    ASSERT_EQ(b.transport.ReadChain(b.slabs, chain, 65536).bytes, 7u);
  }
  EXPECT_EQ(chain.size(), 3500u);
  EXPECT_EQ(b.slabs.lent(), 1u);
}

TEST_F(TransportTest, BytesThatSomeoneElseSharesAreNotWrittenBehind) {
  Connect();
  b.reading = false;
  base::Chain chain;
  base::Chain replay;
  a.Send("one");
  ASSERT_TRUE(loop.Until([&] { return b.transport.maybe_readable(); }));
  ASSERT_EQ(b.transport.ReadChain(b.slabs, chain, 65536).bytes, 3u);
  chain.ShareTo(replay);
  a.Send("two");
  ASSERT_TRUE(loop.Until([&] { return b.transport.maybe_readable(); }));
  ASSERT_EQ(b.transport.ReadChain(b.slabs, chain, 65536).bytes, 3u);
  EXPECT_EQ(b.slabs.lent(), 2u);
  EXPECT_EQ(replay.front().view(), "one");
}

TEST_F(TransportTest, ABlockedReadHoldsNoSlab) {
  Connect();
  base::Chain chain;
  EXPECT_EQ(b.transport.ReadChain(b.slabs, chain, 65536).status, IoStatus::kBlocked);
  EXPECT_EQ(b.slabs.lent(), 0u);
  EXPECT_EQ(chain.slices(), 0u);
}

TEST_F(TransportTest, RequestTurnCallsTheOwnerOnceMore) {
  Connect();
  loop.Settle();
  const int calls = b.calls;
  b.transport.RequestTurn();
  loop.reactor.Turn(base::Duration::zero());
  EXPECT_EQ(b.calls, calls + 1);
  loop.reactor.Turn(base::Duration::zero());
  EXPECT_EQ(b.calls, calls + 1);
}

TEST_F(TransportTest, RoomInASocketThatWasNeverFullIsNoNews) {
  Connect();
  loop.Settle();
  EXPECT_EQ(a.calls, 0);
}

TEST_F(TransportTest, ConnectReachesAListener) {
  auto sockets = ListenSocket::Open({*base::SocketAddress::Parse("127.0.0.1:0")}, 1);
  ASSERT_TRUE(sockets.ok());
  ASSERT_TRUE(a.transport.Connect(sockets->front()->address()).ok());
  EXPECT_EQ(a.transport.ConnectResult(), IoStatus::kBlocked) << "decided in a turn of the loop, never at once";
  ASSERT_TRUE(loop.Until([&] { return a.transport.ConnectResult() != IoStatus::kBlocked; }));
  EXPECT_EQ(a.transport.ConnectResult(), IoStatus::kOk);
  EXPECT_GE(a.calls, 1);
  const ListenSocket::Accepted accepted = sockets->front()->Accept();
  ASSERT_GE(accepted.descriptor, 0);
  ASSERT_TRUE(b.transport.Attach(accepted.descriptor));
  a.Send("hello");
  ASSERT_TRUE(loop.Until([&] { return b.received == "hello"; }));
}

TEST_F(TransportTest, ARefusedConnectionIsToldAsSuch) {
  base::SocketAddress nobody;
  {
    auto sockets = ListenSocket::Open({*base::SocketAddress::Parse("127.0.0.1:0")}, 1);
    ASSERT_TRUE(sockets.ok());
    nobody = sockets->front()->address();
  }
  const base::Result<void> started = a.transport.Connect(nobody);
  if (started.ok()) {
    ASSERT_TRUE(loop.Until([&] { return a.transport.ConnectResult() != IoStatus::kBlocked; }));
    EXPECT_EQ(a.transport.ConnectResult(), IoStatus::kFailed);
    EXPECT_GE(a.calls, 1);
  } else {
    EXPECT_EQ(started.error().code, base::ErrorCode::kConnectRefused);
  }
  EXPECT_TRUE(a.transport.connect_refused());
  EXPECT_EQ(a.transport.ConnectResult(), IoStatus::kFailed);
}

TEST_F(TransportTest, AConnectionThatFailsAtOnceSaysWhoseFault) {
  // A broadcast address is refused by connect itself.
  const base::Result<void> started = a.transport.Connect(*base::SocketAddress::Parse("255.255.255.255:9"));
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, base::ErrorCode::kConnectFailed);
  EXPECT_EQ(started.error().retry, base::Retry::kSafe);
  EXPECT_FALSE(a.transport.open());
  EXPECT_FALSE(a.transport.connect_refused());
}

TEST_F(TransportTest, AFailedWriteLeavesThePeersLastWordsReadable) {
  Connect();
  b.reading = false;
  a.Send("413");
  ASSERT_TRUE(loop.Until([&] { return b.transport.maybe_readable(); }));
  a.transport.Close(true);
  b.outgoing.Append(base::Slice::Unowned("more"));
  ASSERT_TRUE(loop.Until([&] { return b.transport.hangup(); }));
  b.reading = true;
  b.OnTransportReady();
  EXPECT_EQ(b.received, "413");
}

TEST_F(TransportTest, AFailedWriteMakesWhatNoEventHasToldOfReadable) {
  Connect();
  base::Chain answer;
  answer.Append(base::Slice::Unowned("413"));
  ASSERT_EQ(a.transport.Write(answer).status, IoStatus::kOk);
  a.transport.Close(true);
  base::Chain more;
  more.Append(base::Slice::Unowned("more"));
  ASSERT_EQ(b.transport.Write(more).status, IoStatus::kFailed);
  EXPECT_TRUE(b.transport.maybe_readable());
  char bytes[8];
  const IoResult result = b.transport.Read(bytes);
  EXPECT_EQ(std::string_view(bytes, result.bytes), "413");
}

TEST_F(TransportTest, AClosedTransportTakesNothing) {
  Connect();
  a.transport.Close();
  char byte[1];
  EXPECT_EQ(a.transport.Read(byte).status, IoStatus::kFailed);
  base::Chain chain;
  chain.Append(base::Slice::Unowned("x"));
  EXPECT_EQ(a.transport.Write(chain).status, IoStatus::kFailed);
  EXPECT_FALSE(a.transport.maybe_readable());
  a.transport.ShutdownWrite();
}

}  // namespace
}  // namespace headgate::proxy::net
