// The pool of shared connections: when another one is opened, who waits, and what ends a connection.
#include "proxy/upstream/h2_pool.h"

#include <gtest/gtest.h>

#include "tests/proxy/upstream/h2_fixture.h"

namespace headgate::proxy {
namespace {

using base::ErrorCode;
using metrics::ConnectionState;
using metrics::ConnectResult;
using std::chrono::milliseconds;
using std::chrono::seconds;

class H2PoolTest : public H2Fixture {
 protected:
  using Requests = std::vector<std::unique_ptr<TestRequest>>;
  bool HasConnection(const TestRequest& request) {
    return worker.Until([&] { return request.stream != nullptr; });
  }
  // Begins as many requests, which arrive at `h2`.
  void Arrive(Requests& requests, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      requests.push_back(Request());
      ASSERT_TRUE(Arrives(*requests.back()));
    }
    Settle(*h2);
  }
  void AnswerAll(H2Peer& at, Requests& requests) {
    for (size_t i = 0; i < at.streams.size(); ++i) {
      if (!at.streams[i]->gone) at.Answer(i);
    }
    Both(at, [&] {
      return std::all_of(requests.begin(), requests.end(), [](const auto& request) { return request->over(); });
    });
  }
};

TEST_F(H2PoolTest, ARefusedConnectFailsAllThatWaitedForItAndSetsTheEndpointAside) {
  server.StopListening();
  const auto one = Request();
  const auto two = Request();
  one->Begin();
  two->Begin();
  EXPECT_TRUE(one->waited && two->waited);
  ASSERT_TRUE(worker.Until([&] { return one->over() && two->over(); }));
  for (const TestRequest* request : {one.get(), two.get()}) {
    EXPECT_EQ(request->error->code, ErrorCode::kConnectRefused);
    EXPECT_EQ(request->error->retry, base::Retry::kSafe);
    EXPECT_EQ(request->attempt.endpoint, endpoints->endpoints[0].shared.get());
  }
  EXPECT_TRUE(endpoints->endpoints[0].shared->IsAside(worker.clock.Now()));
  EXPECT_EQ(Connects(ConnectResult::kRefused), 1u);
  EXPECT_EQ(shared->connections.taken(), 0u);
  EXPECT_EQ(shared->pending.taken(), 0u);
  EXPECT_FALSE(cluster->busy());
}

TEST_F(H2PoolTest, ConnectTimeoutFailsTheAttemptSafely) {
  server.Crowd();
  const auto request = Request();
  request->Begin();
  worker.Settle();
  worker.Advance(policy.connections.connect_timeout + milliseconds(10));
  ASSERT_TRUE(request->error.has_value());
  EXPECT_EQ(request->error->code, ErrorCode::kConnectTimeout);
  EXPECT_EQ(Connects(ConnectResult::kTimeout), 1u);
  EXPECT_EQ(shared->connections.taken(), 0u);
}

TEST_F(H2PoolTest, AnotherConnectionIsOpenedWhenFourFifthsOfThePeersLimitAreTaken) {
  streams_max = 10;
  Requests requests;
  Arrive(requests, 7);
  EXPECT_FALSE(server.HasVisitor());
  Arrive(requests, 1);
  const auto second = AcceptH2();
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(shared->connections.taken(), 2u);
  ASSERT_TRUE(worker.Until([&] { return Gauge(ConnectionState::kIdle) == 1; }));
  Requests more;
  more.push_back(Request());
  more.back()->Begin();
  EXPECT_FALSE(more.back()->waited);
  ASSERT_TRUE(Both(*second, [&] { return second->Has(1); }));
  EXPECT_EQ(Gauge(ConnectionState::kActive), 2);
  EXPECT_EQ(h2->streams.size(), 8u);
  AnswerAll(*second, more);
  AnswerAll(*h2, requests);
  EXPECT_EQ(Gauge(ConnectionState::kActive), 0);
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 2);
}

TEST_F(H2PoolTest, AConnectionIsFilledToThePeersLimitAndNotBeyond) {
  streams_max = 4;
  policy.connections.max = 1;
  Configure();
  Requests requests;
  Arrive(requests, 4);
  const auto waiting = Request();
  waiting->Begin();
  EXPECT_TRUE(waiting->waited);
  EXPECT_EQ(shared->pending.taken(), 1u);
  worker.Advance(milliseconds(20));
  EXPECT_EQ(waiting->stream, nullptr);
  h2->Answer(0);
  ASSERT_TRUE(Both(*h2, [&] { return h2->Has(5); }));
  EXPECT_EQ(shared->pending.taken(), 0u);
  EXPECT_FALSE(server.HasVisitor());
  h2->Answer(4);
  ASSERT_TRUE(Both(*h2, [&] { return waiting->over(); }));
  EXPECT_EQ(waiting->body, "ok");
}

TEST_F(H2PoolTest, ALimitOnceHeardIsAssumedOfTheEndpointsNextConnections) {
  streams_max = 4;
  Serve();
  h2.reset();
  ASSERT_TRUE(worker.Until([&] { return shared->connections.taken() == 0; }));
  Requests requests;
  for (int i = 0; i < 8; ++i) {
    requests.push_back(Request());
    requests.back()->Begin();
  }
  EXPECT_EQ(shared->connections.taken(), 2u);
  const auto first = AcceptH2(streams_max);
  const auto second = AcceptH2(streams_max);
  ASSERT_NE(second, nullptr);
  ASSERT_TRUE(worker.Until([&] { return first->Has(4) && second->Has(4); }));
}

TEST_F(H2PoolTest, ALimitThatRisesServesWhoWaits) {
  streams_max = 1;
  policy.connections.max = 1;
  Configure();
  Requests requests;
  Arrive(requests, 1);
  const auto waiting = Request();
  waiting->Begin();
  EXPECT_TRUE(waiting->waited);
  h2->Raw(/*SETTINGS*/ 4, 0, 0, std::string_view("\0\x03\0\0\0\x02", 6));
  ASSERT_TRUE(Both(*h2, [&] { return waiting->stream != nullptr; }));
}

TEST_F(H2PoolTest, BeyondMaxPendingARequestIsRefused) {
  streams_max = 1;
  policy.connections.max = 1;
  policy.connections.max_pending = 1;
  Configure();
  Requests requests;
  Arrive(requests, 1);
  const auto two = Request();
  const auto three = Request();
  EXPECT_FALSE(two->Begin().refused.has_value());
  ASSERT_TRUE(three->Begin().refused.has_value());
  EXPECT_EQ(three->refused->code, ErrorCode::kOverload);
  cluster->Abandon(two->attempt);
  EXPECT_EQ(two->attempt.waiting_in, nullptr);
  EXPECT_EQ(shared->pending.taken(), 0u);
  EXPECT_TRUE(three->Begin().waited);
}

TEST_F(H2PoolTest, WhoWaitsForRoomAsLongAsAConnectMayTakeIsRefused) {
  streams_max = 1;
  policy.connections.max = 1;
  Configure();
  Requests requests;
  Arrive(requests, 1);
  const auto two = Request();
  EXPECT_TRUE(two->Begin().waited);
  worker.Advance(std::chrono::milliseconds(1900));
  EXPECT_FALSE(two->over());
  worker.Advance(std::chrono::milliseconds(110));
  ASSERT_TRUE(two->error.has_value());
  EXPECT_EQ(two->error->code, ErrorCode::kOverload);
  EXPECT_EQ(shared->pending.taken(), 0u);
  EXPECT_FALSE(requests[0]->over());
}

TEST_F(H2PoolTest, WhoWaitsIsServedInOrder) {
  streams_max = 1;
  policy.connections.max = 1;
  Configure();
  Requests requests;
  Arrive(requests, 1);
  for (const std::string_view path : {"/a", "/b", "/c"}) {
    requests.push_back(Request());
    requests.back()->head.path = path;
    requests.back()->Begin();
  }
  for (size_t i = 0; i < 3; ++i) {
    h2->Answer(i);
    ASSERT_TRUE(Both(*h2, [&] { return h2->Has(i + 2); }));
    EXPECT_EQ(h2->streams[i + 1]->head.path, requests[i + 1]->head.path);
  }
}

TEST_F(H2PoolTest, AnAbandonedRequestHearsNothingAndTheConnectionServesTheNext) {
  const auto request = Request();
  request->Begin();
  cluster->Abandon(request->attempt);
  ASSERT_TRUE(worker.Until([&] { return Gauge(ConnectionState::kIdle) == 1; }));
  EXPECT_EQ(request->stream, nullptr);
  const auto next = Request();
  next->Begin();
  EXPECT_FALSE(next->waited);
  EXPECT_FALSE(next->attempt.reused);
}

TEST_F(H2PoolTest, MaxRequestsEndsAConnectionWithItsLastStream) {
  policy.connections.max_requests = 2;
  Configure();
  Requests requests;
  Arrive(requests, 2);
  const auto third = Request();
  third->Begin();
  const auto next = AcceptH2();
  ASSERT_NE(next, nullptr);
  ASSERT_TRUE(Both(*next, [&] { return next->Has(1); }));
  EXPECT_EQ(shared->connections.taken(), 2u);
  AnswerAll(*h2, requests);
  EXPECT_EQ(shared->connections.taken(), 1u);
  h2->Pump();
  EXPECT_TRUE(Both(*h2, [&] { return h2->at_end; }));
}

TEST_F(H2PoolTest, AConnectionPastItsAgeTakesNoMoreStreamsAndEndsWithItsLast) {
  policy.connections.max_age = seconds(4);
  Configure();
  Requests requests;
  Arrive(requests, 1);
  worker.Advance(seconds(5));
  Settle(*h2);
  const auto second = Request();
  second->Begin();
  const auto next = AcceptH2();
  ASSERT_NE(next, nullptr);
  ASSERT_TRUE(Both(*next, [&] { return next->Has(1); }));
  AnswerAll(*h2, requests);
  EXPECT_EQ(requests[0]->body, "ok");
  EXPECT_EQ(shared->connections.taken(), 1u);
}

TEST_F(H2PoolTest, IdleConnectionsEndAfterIdleTimeout) {
  policy.connections.idle_timeout = seconds(3);
  Configure();
  Serve();
  worker.Advance(milliseconds(2900));
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 1);
  worker.Advance(milliseconds(1200));
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 0);
  EXPECT_TRUE(Both(*h2, [&] { return h2->at_end; }));
}

TEST_F(H2PoolTest, AnIdleConnectionThatThePeerClosesIsGone) {
  Serve();
  h2->socket().Close();
  ASSERT_TRUE(worker.Until([&] { return Gauge(ConnectionState::kIdle) == 0; }));
  EXPECT_EQ(shared->connections.taken(), 0u);
  h2.reset();
  Serve();
}

TEST_F(H2PoolTest, AnIdleConnectionHoldsNoSlab) {
  Serve();
  EXPECT_EQ(worker.slabs.lent(), 0u);
}

TEST_F(H2PoolTest, TheRetryOfAStaleReuseGetsAConnectionThatIsNotStale) {
  Serve();
  worker.Advance(H2Pool::kFresh + milliseconds(10));
  const auto request = Request();
  request->attempt.fresh_connection = true;
  request->Begin();
  EXPECT_TRUE(request->waited);
  ASSERT_TRUE(HasConnection(*request));
  EXPECT_FALSE(request->attempt.reused);
  EXPECT_EQ(shared->connections.taken(), 2u);
}

TEST_F(H2PoolTest, EndpointsTakeTurnsAndEachHasItsConnection) {
  ScriptedUpstream other;
  SetEndpoints({server.address(), other.address()});
  Requests requests;
  for (int i = 0; i < 4; ++i) {
    requests.push_back(Request());
    requests.back()->Begin();
  }
  H2Peer one(server.Accept());
  H2Peer two(other.Accept());
  ASSERT_TRUE(Both(one, [&] { return one.Has(2) && two.Has(2); }));
  EXPECT_EQ(shared->connections.taken(), 2u);
  EXPECT_EQ(Active(), 2u);
}

TEST_F(H2PoolTest, ARemovedEndpointFinishesItsStreamsAndTakesNoMore) {
  Requests requests;
  Arrive(requests, 1);
  ScriptedUpstream other;
  SetEndpoints({other.address()});
  const auto second = Request();
  second->Begin();
  H2Peer next(other.Accept());
  ASSERT_TRUE(Both(next, [&] { return next.Has(1); }));
  AnswerAll(*h2, requests);
  EXPECT_EQ(requests[0]->body, "ok");
  EXPECT_EQ(shared->connections.taken(), 1u);
}

TEST_F(H2PoolTest, WhoWaitsForARemovedEndpointIsServedByAnother) {
  const auto request = Request();
  request->Begin();
  ScriptedUpstream other;
  SetEndpoints({other.address()});
  H2Peer next(other.Accept());
  ASSERT_TRUE(Both(next, [&] { return next.Has(1); }));
  EXPECT_EQ(request->attempt.endpoint, endpoints->endpoints[0].shared.get());
}

TEST_F(H2PoolTest, WhoWaitsHearsThatTheEndpointsAreGone) {
  policy.connections.max = 1;
  Configure();
  shared->connections.Take();
  const auto request = Request();
  request->Begin();
  SetEndpoints({});
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_EQ(request->error->code, ErrorCode::kNoEndpoint);
  shared->connections.Give();
}

TEST_F(H2PoolTest, ASlotThatAnotherWorkerNeedsWandersAwayFromABusyConnection) {
  policy.connections.max = 1;
  Configure();
  Requests requests;
  Arrive(requests, 1);
  shared->pending.Take();  // another worker's request
  for (int i = 0; i < 100; ++i) worker.Advance(milliseconds(20));
  EXPECT_EQ(shared->connections.taken(), 1u);
  const auto second = Request();
  second->Begin();
  EXPECT_TRUE(second->waited);  // the connection takes no more streams
  cluster->Abandon(second->attempt);
  AnswerAll(*h2, requests);
  EXPECT_EQ(requests[0]->body, "ok");
  EXPECT_EQ(shared->connections.taken(), 0u);
  shared->pending.Give();
}

TEST_F(H2PoolTest, AReloadOfTheProtocolMovesWhoWaitsAndFinishesWhatIsUnderWay) {
  policy.protocol = routing::UpstreamProtocol::kHttp1;
  Configure();
  peer = WarmUp();
  const auto leased = Request();
  leased->Begin();
  policy.connections.max = 1;
  Configure();
  const auto waiting = Request();
  waiting->Begin();
  EXPECT_TRUE(waiting->waited);
  policy.connections.max = 2;
  policy.protocol = routing::UpstreamProtocol::kH2c;
  Configure();
  EXPECT_TRUE(cluster->busy());
  worker.Settle();
  const auto next = AcceptH2();
  ASSERT_NE(next, nullptr);
  ASSERT_TRUE(Both(*next, [&] { return next->Has(1); }));
  next->Answer(0);
  ASSERT_TRUE(Both(*next, [&] { return waiting->over(); }));
  EXPECT_EQ(waiting->body, "ok");
  peer->ReceiveUntil("\r\n\r\n");
  peer->Send(kOk);
  ASSERT_TRUE(worker.Until([&] { return leased->over(); }));
  EXPECT_EQ(leased->body, "ok");
  EXPECT_EQ(shared->connections.taken(), 1u);
  policy.protocol = routing::UpstreamProtocol::kHttp1;
  Configure();
  EXPECT_EQ(shared->connections.taken(), 0u);
  WarmUp();
}

TEST_F(H2PoolTest, AReloadOfTlsEndsIdleConnectionsAndDrainsBusyOnes) {
  Requests requests;
  Arrive(requests, 1);
  policy.tls.server_name = "shop.internal";
  Configure();
  const auto second = Request();
  second->Begin();
  EXPECT_TRUE(second->waited);
  AnswerAll(*h2, requests);
  EXPECT_EQ(requests[0]->body, "ok");
  ASSERT_TRUE(HasConnection(*second));
  EXPECT_EQ(shared->connections.taken(), 1u);
}

TEST_F(H2PoolTest, ARetiredUpstreamFinishesWhatItBeganAndServesWhoStillAsks) {
  Requests requests;
  Arrive(requests, 1);
  cluster->Retire();
  EXPECT_TRUE(cluster->busy());
  AnswerAll(*h2, requests);
  EXPECT_EQ(shared->connections.taken(), 0u);
  EXPECT_FALSE(cluster->busy());
  h2.reset();
  Serve();
  EXPECT_EQ(shared->connections.taken(), 0u);
}

TEST_F(H2PoolTest, ADestroyedClusterGivesEverythingBack) {
  streams_max = 1;
  policy.connections.max = 1;
  Configure();
  Requests requests;
  Arrive(requests, 1);
  const auto waiting = Request();
  waiting->Begin();
  requests[0]->stream = nullptr;  // its exchange is gone already
  cluster.reset();
  EXPECT_EQ(waiting->attempt.waiting_in, nullptr);
  EXPECT_EQ(shared->connections.taken(), 0u);
  EXPECT_EQ(shared->pending.taken(), 0u);
  EXPECT_EQ(Gauge(ConnectionState::kActive), 0);
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 0);
  EXPECT_EQ(Active(), 0u);
}

}  // namespace
}  // namespace headgate::proxy
