// A cluster that speaks HTTP/2 in the clear, and its upstreams.
// Owned by gtest.
// One thread: the test's.
#pragma once

#include <memory>
#include <string>

#include "proxy/upstream/upstream_h2_connection.h"
#include "tests/proxy/upstream/h2_peer.h"
#include "tests/proxy/upstream/upstream_fixture.h"

namespace headgate::proxy {

class H2Fixture : public UpstreamFixture {
 protected:
  H2Fixture() {
    policy.protocol = routing::UpstreamProtocol::kH2c;
    Configure();
  }
  std::unique_ptr<H2Peer> AcceptH2(uint32_t limit = 100) {
    std::unique_ptr<ScriptedPeer> accepted = server.Accept();
    return accepted != nullptr ? std::make_unique<H2Peer>(std::move(accepted), limit) : nullptr;
  }
  // Turns both ends until `done`.
  bool Both(H2Peer& at, const std::function<bool()>& done) {
    return worker.Until([&] {
      at.Pump();
      return done();
    });
  }
  void Settle(H2Peer& at) {
    for (int i = 0; i < 5; ++i) {
      at.Pump();
      worker.Settle();
    }
  }
  // Begins `request` and turns until it is the last one that the upstream has; the first one's connection is accepted.
  bool Arrives(TestRequest& request) {
    request.Begin();
    if (h2 == nullptr) h2 = AcceptH2(streams_max);
    const size_t before = h2->streams.size();
    return Both(*h2, [&] { return h2->Has(before + 1); });
  }
  // A GET that is answered: the connection has served.
  void Serve() {
    const auto request = Request();
    ASSERT_TRUE(Arrives(*request));
    h2->Answer(h2->streams.size() - 1);
    ASSERT_TRUE(Both(*h2, [&] { return request->over(); }));
    EXPECT_EQ(request->body, "ok");
    Settle(*h2);
  }
  uint32_t Active() const { return endpoints->endpoints[0].shared->active.load(); }

  uint32_t streams_max = 100;  // of the upstream that Arrives accepts
  std::unique_ptr<H2Peer> h2;
};

}  // namespace headgate::proxy
