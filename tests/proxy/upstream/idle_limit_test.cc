// How long an idle connection may carry a request, by what its endpoint says or does.
#include <gtest/gtest.h>

#include "proxy/upstream/h1_pool.h"
#include "tests/proxy/upstream/upstream_fixture.h"

namespace headgate::proxy {
namespace {

using metrics::ConnectionState;
using metrics::ConnectResult;
using std::chrono::milliseconds;
using std::chrono::seconds;

class IdleLimitTest : public UpstreamFixture {
 protected:
  bool HasConnection(const TestRequest& request) {
    return worker.Until([&] { return request.stream != nullptr; });
  }
  // Answers the request that waits at `at`.
  void Serve(ScriptedPeer& at, TestRequest& request) {
    at.ReceiveUntil("\r\n\r\n");
    at.Send(kOk);
    EXPECT_TRUE(worker.Until([&] { return request.over(); }));
    EXPECT_EQ(request.body, "ok");
  }
};

// POSTs that met the close of a Node (5 s) were lost.
TEST_F(IdleLimitTest, NoRequestLeavesInTheLastHalfSecondOfAStatedKeepAlive) {
  constexpr std::string_view kOkFor5s = "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok";
  const auto first = Answer(kOkFor5s);
  worker.Advance(milliseconds(4400));
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 1);
  const auto again = Request();
  again->Begin();
  EXPECT_NE(again->stream, nullptr) << "the same connection";
  Serve(*peer, *again);  // states nothing: the older word no longer holds
  worker.Advance(seconds(20));
  const auto later = Request();
  later->Begin();
  ASSERT_NE(later->stream, nullptr);
  peer->ReceiveUntil("\r\n\r\n");
  peer->Send(kOkFor5s);
  EXPECT_TRUE(worker.Until([&] { return later->over(); }));
  worker.Advance(milliseconds(4510));
  const auto post = Request(http::Method::kPost);
  post->Begin();
  EXPECT_EQ(post->stream, nullptr) << "a connection of its own";
  ASSERT_TRUE(HasConnection(*post));
  EXPECT_EQ(Connects(ConnectResult::kOk), 2u);
}

// gunicorn closes after 2 s and says nothing of it.
TEST_F(IdleLimitTest, NoRequestLeavesInTheSecondHalfOfALimitThatWasSeen) {
  for (const milliseconds idle : {milliseconds(700), milliseconds(2900), milliseconds(2000)}) {
    const auto seen = WarmUp();
    worker.Advance(idle);
    EXPECT_EQ(Gauge(ConnectionState::kIdle), 1);
    seen->Close();
    EXPECT_TRUE(worker.Until([&] { return Gauge(ConnectionState::kIdle) == 0; }));
  }
  const auto at = WarmUp();
  worker.Advance(milliseconds(950));
  const auto in_time = Request();
  in_time->Begin();
  EXPECT_NE(in_time->stream, nullptr);
  Serve(*at, *in_time);
  worker.Advance(milliseconds(1010));
  const auto late = Request();
  late->Begin();
  EXPECT_EQ(late->stream, nullptr);
  ASSERT_TRUE(HasConnection(*late));
  EXPECT_EQ(Connects(ConnectResult::kOk), 5u);
}

TEST_F(IdleLimitTest, ConnectionsThatEndTogetherShowNoLimit) {
  const auto one = Request();
  const auto two = Request();
  one->Begin();
  two->Begin();
  ASSERT_TRUE(HasConnection(*one) && HasConnection(*two));
  const auto peer_one = server.Accept();
  const auto peer_two = server.Accept();
  Serve(*peer_one, *one);
  Serve(*peer_two, *two);
  worker.Advance(seconds(2));
  peer_one->Close();
  peer_two->Close();  // a restart
  EXPECT_TRUE(worker.Until([&] { return Gauge(ConnectionState::kIdle) == 0; }));
  const auto at = WarmUp();
  worker.Advance(seconds(20));
  const auto next = Request();
  next->Begin();
  EXPECT_NE(next->stream, nullptr);
}

}  // namespace
}  // namespace headgate::proxy
