#include <gtest/gtest.h>
#include <sys/socket.h>

#include "proxy/upstream/h1_pool.h"
#include "support/allocation/allocation_counter.h"
#include "tests/proxy/upstream/call_counter.h"
#include "tests/proxy/upstream/upstream_fixture.h"

namespace headgate::proxy {
namespace {

using base::ErrorCode;
using metrics::ConnectionState;
using metrics::ConnectResult;
using std::chrono::milliseconds;
using std::chrono::seconds;

class PoolTest : public UpstreamFixture {
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

TEST_F(PoolTest, AnUpstreamWithoutEndpointsIsRefusedAtOnce) {
  SetEndpoints({});
  EXPECT_FALSE(cluster->has_endpoint());
  const auto request = Request();
  ASSERT_TRUE(request->Begin().refused.has_value());
  EXPECT_EQ(request->refused->code, ErrorCode::kNoEndpoint);
  EXPECT_EQ(request->refused->side, base::Side::kProxy);
}

TEST_F(PoolTest, AClusterThatWasNeverConfiguredHasNoEndpoint) {
  Cluster fresh(worker.context, std::make_shared<UpstreamShared>("fresh"));
  EXPECT_FALSE(fresh.has_endpoint());
  TestRequest request(worker, fresh);
  EXPECT_EQ(request.Begin().refused->code, ErrorCode::kNoEndpoint);
}

TEST_F(PoolTest, TheConnectionUsedLastIsTakenFirst) {
  const auto one = Request();
  const auto two = Request();
  one->Begin();
  two->Begin();
  ASSERT_TRUE(HasConnection(*one) && HasConnection(*two));
  const auto peer_one = server.Accept();
  const auto peer_two = server.Accept();
  Serve(*peer_one, *one);
  Serve(*peer_two, *two);
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 2);
  const auto next = Request();
  next->Begin();
  EXPECT_FALSE(next->waited);
  Serve(*peer_two, *next);
}

TEST_F(PoolTest, GaugesAndCountsFollowALease) {
  const auto request = Request();
  request->Begin();
  ASSERT_TRUE(HasConnection(*request));
  EXPECT_EQ(Gauge(ConnectionState::kActive), 1);
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 0);
  EXPECT_EQ(endpoints->endpoints[0].shared->active.load(), 1u);
  EXPECT_TRUE(cluster->busy());
  Serve(*server.Accept(), *request);
  EXPECT_EQ(Gauge(ConnectionState::kActive), 0);
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 1);
  EXPECT_EQ(endpoints->endpoints[0].shared->active.load(), 0u);
  EXPECT_FALSE(cluster->busy());
}

TEST_F(PoolTest, ARefusalFailsTheAttemptSafelyAndSetsTheEndpointAside) {
  server.StopListening();
  const auto request = Request();
  request->Begin();
  ASSERT_TRUE(worker.Until([&] { return request->over() || request->refused; }));
  ASSERT_TRUE(request->error.has_value());
  EXPECT_EQ(request->error->code, ErrorCode::kConnectRefused);
  EXPECT_EQ(request->error->retry, base::Retry::kSafe);
  EXPECT_EQ(request->attempt.endpoint, endpoints->endpoints[0].shared.get());
  EXPECT_TRUE(endpoints->endpoints[0].shared->IsAside(worker.clock.Now()));
  EXPECT_EQ(Connects(ConnectResult::kRefused), 1u);
  EXPECT_EQ(shared->connections.taken(), 0u);
  EXPECT_FALSE(cluster->busy());
}

TEST_F(PoolTest, TheLastEndpointIsAskedThoughItIsSetAside) {
  endpoints->endpoints[0].shared->SetAside(worker.clock.Now());
  EXPECT_TRUE(cluster->has_endpoint());
  peer = WarmUp();
  EXPECT_EQ(endpoints->endpoints[0].shared->refusals.load(), 0u);
}

TEST_F(PoolTest, ARefusedRequestIsAnsweredByAnotherEndpoint) {
  ScriptedUpstream dead;
  dead.StopListening();
  SetEndpoints({dead.address(), server.address()});
  const EndpointShared* avoid = nullptr;
  for (int i = 0; i < 2; ++i) {
    const auto request = Request();
    request->attempt.avoid = avoid;
    request->Begin();
    ASSERT_TRUE(worker.Until([&] { return request->over() || request->stream; }));
    if (!request->error) return Serve(*server.Accept(), *request);
    avoid = request->attempt.endpoint;
  }
  FAIL() << "the other endpoint was not asked";
}

TEST_F(PoolTest, ConnectTimeoutFailsTheAttemptSafely) {
  server.Crowd();
  const auto request = Request();
  request->Begin();
  worker.Settle();
  EXPECT_FALSE(request->over());
  worker.Advance(policy.connections.connect_timeout - milliseconds(10));
  EXPECT_FALSE(request->over());
  worker.Advance(milliseconds(20));
  ASSERT_TRUE(request->error.has_value());
  EXPECT_EQ(request->error->code, ErrorCode::kConnectTimeout);
  EXPECT_EQ(request->error->retry, base::Retry::kSafe);
  EXPECT_EQ(Connects(ConnectResult::kTimeout), 1u);
  EXPECT_EQ(shared->connections.taken(), 0u);
}

TEST_F(PoolTest, TheLimitOfConnectionsHoldsAndWhoWaitsIsServedInOrder) {
  policy.connections.max = 1;
  Configure();
  const auto first = Request();
  first->Begin();
  ASSERT_TRUE(HasConnection(*first));
  peer = server.Accept();
  std::vector<std::unique_ptr<TestRequest>> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(Request());
    waiting.back()->Begin();
    EXPECT_TRUE(waiting.back()->waited);
  }
  EXPECT_EQ(shared->pending.taken(), 3u);
  worker.Advance(milliseconds(50));
  EXPECT_FALSE(server.HasVisitor());
  Serve(*peer, *first);
  for (const auto& request : waiting) {
    ASSERT_TRUE(HasConnection(*request));
    EXPECT_TRUE(request->attempt.reused);
    Serve(*peer, *request);
  }
  EXPECT_EQ(shared->pending.taken(), 0u);
  EXPECT_EQ(Connects(ConnectResult::kOk), 1u);
}

TEST_F(PoolTest, WithAMaxPendingOfZeroNobodyWaits) {
  policy.connections.max = 1;
  policy.connections.max_pending = 0;
  Configure();
  const auto first = Request();
  first->Begin();
  ASSERT_TRUE(HasConnection(*first));
  const auto second = Request();
  ASSERT_TRUE(second->Begin().refused.has_value());
  EXPECT_EQ(second->refused->code, ErrorCode::kOverload);
  EXPECT_EQ(shared->pending.taken(), 0u);
}

TEST_F(PoolTest, BeyondMaxPendingARequestIsRefused) {
  policy.connections.max = 1;
  policy.connections.max_pending = 2;
  Configure();
  const auto first = Request();
  first->Begin();
  ASSERT_TRUE(HasConnection(*first));
  const auto two = Request();
  const auto three = Request();
  const auto four = Request();
  EXPECT_FALSE(two->Begin().refused.has_value());
  EXPECT_FALSE(three->Begin().refused.has_value());
  ASSERT_TRUE(four->Begin().refused.has_value());
  EXPECT_EQ(four->refused->code, ErrorCode::kOverload);
  EXPECT_EQ(four->refused->side, base::Side::kProxy);
  cluster->Abandon(two->attempt);
  EXPECT_FALSE(four->attempt.linked());
  const auto five = Request();
  EXPECT_FALSE(five->Begin().refused.has_value());
}

TEST_F(PoolTest, WhoWaitsForASlotAsLongAsAConnectMayTakeIsRefused) {
  policy.connections.max = 1;
  Configure();
  const auto first = Request();
  first->Begin();
  ASSERT_TRUE(HasConnection(*first));
  const auto two = Request();
  two->Begin();
  worker.Advance(seconds(1));
  const auto three = Request();
  three->Begin();
  worker.Advance(milliseconds(900));
  EXPECT_FALSE(two->over());
  worker.Advance(milliseconds(110));
  ASSERT_TRUE(two->error.has_value());
  EXPECT_EQ(two->error->code, ErrorCode::kOverload);
  EXPECT_EQ(two->error->side, base::Side::kProxy);
  EXPECT_FALSE(three->over());
  EXPECT_EQ(shared->pending.taken(), 1u);
  worker.Advance(seconds(1));
  EXPECT_EQ(three->error->code, ErrorCode::kOverload);
  EXPECT_EQ(shared->pending.taken(), 0u);
  EXPECT_FALSE(first->over());
}

TEST_F(PoolTest, AConnectThatBeganAfterAWaitHasItsWholeTime) {
  policy.connections.max = 1;
  Configure();
  const auto first = Request();
  first->Begin();
  ASSERT_TRUE(HasConnection(*first));
  peer = server.Accept();
  const auto waiting = Request();
  waiting->Begin();
  worker.Advance(milliseconds(1500));
  server.Crowd();
  first->Release();  // its connection is not clean: another one is opened, which hangs
  worker.Advance(milliseconds(1500));
  EXPECT_FALSE(waiting->over());
  worker.Advance(milliseconds(600));
  ASSERT_TRUE(waiting->error.has_value());
  EXPECT_EQ(waiting->error->code, ErrorCode::kConnectTimeout);
}

TEST_F(PoolTest, AnAbandonedRequestHearsNothingAndItsConnectionServesTheNext) {
  auto request = Request();
  request->Begin();
  cluster->Abandon(request->attempt);
  EXPECT_EQ(request->attempt.waiting_in, nullptr);
  ASSERT_TRUE(worker.Until([&] { return Gauge(ConnectionState::kIdle) == 1; }));
  EXPECT_EQ(request->stream, nullptr);
  const auto next = Request();
  next->Begin();
  EXPECT_FALSE(next->waited);
  EXPECT_FALSE(next->attempt.reused);
}

TEST_F(PoolTest, ARequestMayBeAbandonedBetweenItsGrantAndTheTurnsEnd) {
  policy.connections.max = 1;
  Configure();
  const auto first = Request();
  first->Begin();
  ASSERT_TRUE(HasConnection(*first));
  peer = server.Accept();
  const auto second = Request();
  const auto third = Request();
  second->Begin();
  third->Begin();
  peer->ReceiveUntil("\r\n\r\n");
  first->auto_release = false;
  peer->Send(kOk);
  ASSERT_TRUE(worker.Until([&] { return first->over(); }));
  first->Release();  // grants to the second, told at the end of the turn
  cluster->Abandon(second->attempt);
  ASSERT_TRUE(HasConnection(*third));
  EXPECT_EQ(second->stream, nullptr);
  Serve(*peer, *third);
}

TEST_F(PoolTest, AReturnedConnectionServesWhoWaitsForANewOne) {
  const auto first = Request();
  first->Begin();
  ASSERT_TRUE(HasConnection(*first));
  peer = server.Accept();
  peer->ReceiveUntil("\r\n\r\n");
  first->auto_release = false;
  peer->Send(kOk);
  ASSERT_TRUE(worker.Until([&] { return first->over(); }));
  const auto second = Request();
  second->Begin();
  EXPECT_TRUE(second->waited);
  first->Release();
  ASSERT_TRUE(HasConnection(*second));
  EXPECT_TRUE(second->attempt.reused);
  ASSERT_TRUE(worker.Until([&] { return Gauge(ConnectionState::kIdle) == 1; }));
  EXPECT_EQ(Connects(ConnectResult::kOk), 2u);
}

TEST_F(PoolTest, AFreshConnectionIsNeverOneThatServedBefore) {
  peer = WarmUp();
  const auto request = Request();
  request->attempt.fresh_connection = true;
  request->Begin();
  EXPECT_TRUE(request->waited);
  ASSERT_TRUE(HasConnection(*request));
  EXPECT_FALSE(request->attempt.reused);
}

TEST_F(PoolTest, AFreshConnectionIsOpenedEvenWhenAnIdleOneHoldsTheLastSlot) {
  policy.connections.max = 1;
  Configure();
  peer = WarmUp();
  const auto request = Request();
  request->attempt.fresh_connection = true;
  request->Begin();
  ASSERT_TRUE(HasConnection(*request));
  EXPECT_FALSE(request->attempt.reused);
  EXPECT_EQ(shared->connections.taken(), 1u);
}

TEST_F(PoolTest, AnIdleConnectionToAnotherEndpointMakesRoom) {
  policy.connections.max = 1;
  Configure();
  peer = WarmUp();
  ScriptedUpstream other;
  SetEndpoints({server.address(), other.address()});
  const auto request = Request();
  request->attempt.avoid = endpoints->endpoints[0].shared.get();
  request->Begin();
  ASSERT_TRUE(HasConnection(*request));
  EXPECT_EQ(request->attempt.endpoint, endpoints->endpoints[1].shared.get());
  EXPECT_EQ(shared->connections.taken(), 1u);
}

TEST_F(PoolTest, ASlotThatAnotherWorkerFreesIsFoundWithinATick) {
  policy.connections.max = 1;
  Configure();
  shared->connections.Take();  // another worker's
  const auto request = Request();
  request->Begin();
  worker.Advance(milliseconds(100));
  EXPECT_FALSE(server.HasVisitor());
  shared->connections.Give();
  worker.Advance(milliseconds(10));
  ASSERT_TRUE(HasConnection(*request));
}

TEST_F(PoolTest, AConnectionThatReturnsWhileOthersWaitGivesItsSlotAway) {
  policy.connections.max = 1;
  Configure();
  const auto request = Request();
  request->Begin();
  ASSERT_TRUE(HasConnection(*request));
  shared->pending.Take();  // another worker's request
  Serve(*server.Accept(), *request);
  EXPECT_EQ(shared->connections.taken(), 0u);
  shared->pending.Give();
}

TEST_F(PoolTest, AnIdleConnectionGivesItsSlotAwayWhenAnotherWorkerBeginsToWait) {
  policy.connections.max = 1;
  Configure();
  peer = WarmUp();
  EXPECT_EQ(shared->connections.taken(), 1u);
  shared->pending.Take();
  worker.Advance(milliseconds(30));
  EXPECT_EQ(shared->connections.taken(), 0u);
  shared->pending.Give();
}

TEST_F(PoolTest, TwoWorkersShareOneConnectionsLimit) {
  policy.connections.max = 1;
  Configure();
  TestWorker other;
  Cluster others(other.context, shared);
  others.Configure(std::make_shared<routing::UpstreamPolicy>(policy), nullptr, nullptr);
  others.SetEndpoints(endpoints);
  peer = WarmUp();
  TestRequest request(other, others);
  request.Begin();
  EXPECT_TRUE(request.waited);
  worker.Advance(milliseconds(30));
  other.Advance(milliseconds(10));
  ASSERT_TRUE(other.Until([&] { return request.stream != nullptr; }));
  EXPECT_EQ(shared->connections.taken(), 1u);
}

TEST_F(PoolTest, IdleConnectionsEndAfterIdleTimeout) {
  policy.connections.idle_timeout = seconds(3);
  Configure();
  peer = WarmUp();
  worker.Advance(milliseconds(2900));
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 1);
  worker.Advance(milliseconds(1200));
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 0);
  EXPECT_TRUE(peer->AtEnd());
}

TEST_F(PoolTest, MaxAgeIsJitteredByATenth) {
  policy.connections.max_age = seconds(100);
  policy.connections.idle_timeout = std::chrono::hours(1);
  Configure();
  peer = WarmUp();
  for (int i = 0; i < 89; ++i) worker.Advance(seconds(1));
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 1);
  for (int i = 0; i < 23; ++i) worker.Advance(seconds(1));
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 0);
}

TEST_F(PoolTest, AConnectionPastItsAgeEndsWithItsRequest) {
  policy.connections.max_age = seconds(10);
  Configure();
  const auto request = Request();
  request->Begin();
  ASSERT_TRUE(HasConnection(*request));
  worker.Advance(seconds(12));
  Serve(*server.Accept(), *request);
  EXPECT_EQ(shared->connections.taken(), 0u);
}

TEST_F(PoolTest, MaxRequestsEndsAConnection) {
  policy.connections.max_requests = 2;
  Configure();
  peer = WarmUp();
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 1);
  const auto second = Request();
  second->Begin();
  Serve(*peer, *second);
  EXPECT_EQ(shared->connections.taken(), 0u);
}

TEST_F(PoolTest, ARemovedEndpointLosesItsIdleConnectionsAndFinishesItsRequests) {
  peer = WarmUp();
  const auto leased = Request();
  leased->Begin();
  const auto idle_request = Request();
  idle_request->Begin();
  ASSERT_TRUE(HasConnection(*idle_request));
  const auto idle_peer = server.Accept();
  Serve(*idle_peer, *idle_request);
  ScriptedUpstream other;
  SetEndpoints({other.address()});
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 0);
  EXPECT_TRUE(idle_peer->AtEnd());
  Serve(*peer, *leased);
  EXPECT_TRUE(peer->AtEnd());
  EXPECT_EQ(shared->connections.taken(), 0u);
}

TEST_F(PoolTest, EndpointsThatStayKeepTheirIdleConnections) {
  peer = WarmUp();
  ScriptedUpstream other;
  SetEndpoints({other.address(), server.address()});
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 1);
  SetEndpoints({server.address()});
  const auto request = Request();
  request->Begin();
  EXPECT_FALSE(request->waited);
}

TEST_F(PoolTest, WhoWaitsForASlotHearsThatTheEndpointsAreGone) {
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

TEST_F(PoolTest, AReloadKeepsIdleConnectionsUnlessTlsChanged) {
  peer = WarmUp();
  policy.connections.max = 7;
  Configure();
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 1);
  policy.tls.server_name = "shop.internal";
  Configure();
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 0);
}

TEST_F(PoolTest, AConnectionOfAnotherTlsPolicyEndsWithItsRequest) {
  const auto request = Request();
  request->Begin();
  ASSERT_TRUE(HasConnection(*request));
  policy.tls.server_name = "shop.internal";
  Configure();
  Serve(*server.Accept(), *request);
  EXPECT_EQ(shared->connections.taken(), 0u);
}

TEST_F(PoolTest, ARetiredUpstreamFinishesWhatItBegan) {
  peer = WarmUp();
  const auto request = Request();
  request->Begin();
  cluster->Retire();
  EXPECT_TRUE(cluster->busy());
  Serve(*peer, *request);
  EXPECT_FALSE(cluster->busy());
  EXPECT_EQ(shared->connections.taken(), 0u);
}

TEST_F(PoolTest, CloseIdleLeavesRequestsAlone) {
  const auto request = Request();
  request->Begin();
  ASSERT_TRUE(HasConnection(*request));
  peer = server.Accept();
  const auto idle_request = Request();
  idle_request->Begin();
  ASSERT_TRUE(HasConnection(*idle_request));
  Serve(*server.Accept(), *idle_request);
  cluster->CloseIdle();
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 0);
  Serve(*peer, *request);
}

TEST_F(PoolTest, ADestroyedClusterGivesEverythingBack) {
  peer = WarmUp();
  const auto waiting = Request();
  policy.connections.max = 2;
  Configure();
  const auto leased = Request();
  leased->Begin();
  leased->stream = nullptr;  // its exchange is gone already
  waiting->Begin();
  cluster.reset();
  EXPECT_EQ(waiting->attempt.waiting_in, nullptr);
  EXPECT_EQ(shared->connections.taken(), 0u);
  EXPECT_EQ(shared->pending.taken(), 0u);
  EXPECT_EQ(Gauge(ConnectionState::kActive), 0);
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 0);
  EXPECT_EQ(endpoints->endpoints[0].shared->active.load(), 0u);
}

TEST_F(PoolTest, AKeepAliveGetCostsOneSendOneReceiveAndNoAllocation) {
  peer = WarmUp();
  const auto request = Request();
  const auto once = [&] {
    request->status = 0;
    request->ended = false;
    request->body.clear();
    request->arena.Reset();
    request->Begin();
    EXPECT_FALSE(request->waited);
    char piece[1024];
    EXPECT_GT(::recvfrom(peer->descriptor(), piece, sizeof(piece), 0, nullptr, nullptr), 0);
    EXPECT_EQ(::sendto(peer->descriptor(), kOk.data(), kOk.size(), 0, nullptr, 0), static_cast<ssize_t>(kOk.size()));
    for (int i = 0; i < 100 && !request->ended; ++i) worker.reactor.Turn(base::Duration::zero());
  };
  for (int i = 0; i < 10; ++i) once();
  const SocketCalls calls = SocketCallsSoFar();
  const support::AllocationCounts heap = support::AllocationsOfThisThread();
  for (int i = 0; i < 100; ++i) once();
  const SocketCalls calls_after = SocketCallsSoFar();
  const support::AllocationCounts heap_after = support::AllocationsOfThisThread();
  EXPECT_EQ(calls_after.sends - calls.sends, 100u);
  EXPECT_EQ(calls_after.receives - calls.receives, 100u);
  EXPECT_EQ(heap_after.allocations - heap.allocations, 0u);
  EXPECT_EQ(request->body, "ok");
}

TEST_F(PoolTest, AnIdleConnectionHoldsNoSlab) {
  peer = WarmUp();
  EXPECT_EQ(worker.slabs.lent(), 0u);
  EXPECT_LE(sizeof(UpstreamH1Connection), 1024u);
}

}  // namespace
}  // namespace headgate::proxy
