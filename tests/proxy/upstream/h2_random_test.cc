// Everything at once, by dice: whatever happens, each request hears of one end at most and everything is given back.
#include <gtest/gtest.h>

#include <random>

#include "tests/proxy/upstream/h2_fixture.h"

namespace headgate::proxy {
namespace {

using std::chrono::milliseconds;

class H2RandomTest : public H2Fixture {
 protected:
  static constexpr size_t kRequestsMax = 40;

  void Step();
  void BeginOne();
  void PeerDoes(H2Peer& at);
  void PumpAll();
  void Reload();
  uint64_t Dice(uint64_t bound) { return dice->Below(bound); }
  H2Peer* AnyPeer() { return peers.empty() ? nullptr : peers[Dice(peers.size())].get(); }

  std::optional<base::Rng> dice;
  ScriptedUpstream other;
  std::vector<std::unique_ptr<H2Peer>> peers;
  std::vector<std::unique_ptr<TestRequest>> requests;
  size_t begun = 0;
  size_t ended = 0;
  size_t whole = 0;
};

void H2RandomTest::BeginOne() {
  auto request = Request(Dice(2) == 0 ? http::Method::kGet : http::Method::kPost);
  request->credit = Dice(3) == 0 ? 0 : 1 + Dice(100'000);
  request->upgrade = Dice(10) == 0;
  request->attempt.fresh_connection = Dice(10) == 0;
  request->attempt.avoid = endpoints->endpoints.empty() ? nullptr : endpoints->endpoints[0].shared.get();
  if (request->head.method == http::Method::kPost && !request->upgrade) {
    request->has_body = true;
    request->head.body = {http::BodyKind::kChunked, 0};
  }
  request->Begin();
  ++begun;
  requests.push_back(std::move(request));
}

void H2RandomTest::PeerDoes(H2Peer& at) {
  static const std::string kText(20'000, 't');
  const size_t streams = at.streams.size();
  if (streams == 0 || at.at_end) return;
  const size_t index = Dice(streams);
  H2PeerStream& stream = *at.streams[index];
  if (!stream.has_head || stream.gone) return;
  switch (Dice(8)) {
    case 0:
      return at.Reset(index, Dice(2) == 0 ? http::h2::H2Error::kRefusedStream : http::h2::H2Error::kInternalError);
    case 1:
      return at.Goaway(static_cast<uint32_t>(stream.id()));
    case 2:
      return at.socket().Close();
    case 3:
      return at.Raw(0x0, 0, 0, "broken");
    default:
      break;
  }
  if (!stream.answered) at.Head(index, 200, false);
  at.Body(index, std::string_view(kText).substr(0, Dice(kText.size())), Dice(2) == 0);
}

void H2RandomTest::PumpAll() {
  for (ScriptedUpstream* upstream : {&server, &other}) {
    while (upstream->HasVisitor()) {
      peers.push_back(std::make_unique<H2Peer>(upstream->Accept(), static_cast<uint32_t>(1 + Dice(12))));
    }
  }
  std::erase_if(peers, [](const auto& at) { return at->at_end || at->socket().descriptor() < 0; });
  for (const auto& at : peers) at->Pump();
}

void H2RandomTest::Reload() {
  policy.connections.max = static_cast<uint32_t>(1 + Dice(4));
  policy.connections.max_requests = static_cast<uint32_t>(Dice(2) * 5);
  policy.tls.server_name = Dice(4) == 0 ? "other" : "";
  Configure();
  switch (Dice(4)) {
    case 0:
      return SetEndpoints({server.address()});
    case 1:
      return SetEndpoints({other.address()});
    case 2:
      return cluster->CloseIdle();
    default:
      return SetEndpoints({server.address(), other.address()});
  }
}

void H2RandomTest::Step() {
  TestRequest* request = requests.empty() ? nullptr : requests[Dice(requests.size())].get();
  switch (Dice(12)) {
    case 0:
    case 1:
    case 2:
      if (requests.size() < kRequestsMax) BeginOne();
      break;
    case 3:
      if (request != nullptr && request->stream != nullptr) request->Grant(Dice(50'000));
      break;
    case 4:
      if (request != nullptr && request->has_body && request->stream != nullptr) {
        request->has_body = Dice(3) != 0;
        request->SendBody(std::string(Dice(40'000), 'b'), !request->has_body);
      }
      break;
    case 5:
      if (request != nullptr) std::erase_if(requests, [&](const auto& each) { return each.get() == request; });
      break;
    case 6:
      if (Dice(10) == 0) Reload();
      break;
    case 7:
      worker.Advance(milliseconds(Dice(20) == 0 ? Dice(20'000) : Dice(20)));
      break;
    default:
      if (H2Peer* at = AnyPeer()) PeerDoes(*at);
      break;
  }
  PumpAll();
  worker.reactor.Turn(base::Duration::zero());
  ended += std::erase_if(requests, [&](const auto& each) {
    whole += each->ended ? 1 : 0;
    return each->over() || each->refused.has_value();
  });
}

TEST_F(H2RandomTest, WhateverHappensEverythingIsGivenBack) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  dice.emplace(seed);
  for (int i = 0; i < 4000 && !HasFailure(); ++i) Step();
  EXPECT_GT(begun, 100u);
  EXPECT_GT(ended, 50u);
  EXPECT_GT(whole, 10u);
  requests.clear();
  cluster->Retire();
  for (int i = 0; i < 20; ++i) {
    PumpAll();
    worker.Advance(milliseconds(500));
  }
  EXPECT_FALSE(cluster->busy());
  EXPECT_EQ(shared->connections.taken(), 0u);
  EXPECT_EQ(shared->pending.taken(), 0u);
  EXPECT_EQ(Gauge(metrics::ConnectionState::kActive), 0);
  EXPECT_EQ(Gauge(metrics::ConnectionState::kIdle), 0);
  EXPECT_EQ(worker.slabs.lent(), 0u);
  for (const Endpoint& endpoint : endpoints->endpoints) EXPECT_EQ(endpoint.shared->active.load(), 0u);
}

}  // namespace
}  // namespace headgate::proxy
