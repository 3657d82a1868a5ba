// A worker with nothing but clusters: a real reactor, a clock turned by hand, and requests that write down what they
// are told.
// Owned by gtest.
// One thread: the test's.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mailbox.h"
#include "base/rng.h"
#include "base/slab.h"
#include "base/timer_wheel.h"
#include "http/message.h"
#include "metrics/reasons.h"
#include "metrics/registry.h"
#include "proxy/context/worker_context.h"
#include "proxy/net/graveyard.h"
#include "proxy/net/reactor.h"
#include "proxy/shared/process_shared.h"
#include "proxy/upstream/cluster.h"
#include "tests/proxy/upstream/scripted_upstream.h"

namespace headgate::proxy {

// One worker's loop.
class TestWorker final : public net::TurnHooks {
 public:
  TestWorker();
  ~TestWorker();
  // Turns until `done`, two seconds of real time at most; false when it was not.
  bool Until(const std::function<bool()>& done);
  // Turns as long as there is something to do.
  void Settle();
  void Advance(base::Duration by);

  base::FakeClock clock;
  metrics::Registry registry{clock};
  base::Mailbox mailbox;
  net::Reactor reactor{clock, *this};
  base::SlabPool slabs;
  base::BlockPool blocks{0};
  base::TimerWheel timers{clock.Now()};
  base::Rng rng{17};
  net::Graveyard graveyard;
  ProcessShared process;
  metrics::Shard& shard;
  WorkerContext context;

 private:
  void BeginTurn(base::Instant now, base::Duration late) override;
  void EndTurn() override { graveyard.Empty(); }
  base::Instant NextDue() const override { return timers.NextDue(); }
};

// A request and what came of it.
class TestRequest final : public AttemptEvents {
 public:
  TestRequest(TestWorker& worker, Cluster& cluster, http::Method method = http::Method::kGet);
  ~TestRequest();
  TestRequest(const TestRequest&) = delete;
  TestRequest& operator=(const TestRequest&) = delete;

  // Asks for a connection; what Begin answered. When it has one (now or later) `on_connected` runs; without one the
  // head is sent.
  TestRequest& Begin();
  void SendHead();
  void SendBody(std::string_view text, bool end);
  void Release();
  void Grant(size_t bytes);
  bool over() const noexcept { return ended || error.has_value(); }

  TestWorker& worker;
  Cluster& cluster;
  base::Arena arena;
  http::RequestHead head;
  Attempt attempt;
  bool has_body = false;  // a body follows the head
  bool upgrade = false;
  bool auto_release = true;  // when it is over
  size_t credit = 1 << 20;   // granted when the connection comes
  std::function<void()> on_connected;
  std::function<void()> on_head;

  std::optional<base::Error> refused;  // by Begin
  bool waited = false;
  UpstreamStream* stream = nullptr;
  std::vector<uint16_t> interims;
  uint16_t status = 0;
  http::Body response_framing;
  std::string first_header;  // "name: value"
  std::string body;
  std::string trailer;
  bool ended = false;
  int flushes = 0;
  std::optional<base::Error> error;

 private:
  void OnConnected(UpstreamStream& connected) override;
  void OnAttemptFailed(const base::Error& failure) override;
  void OnInterimResponse(http::ResponseHead& response) override;
  void OnResponseHead(http::ResponseHead& response, base::End end) override;
  void OnResponseBody(base::Chain& data, base::End end, const http::HeaderMap* trailers) override;
  void OnRequestFlushed() override;
  void Over();

  size_t granted_ = 0;
  bool calling_ = false;  // within a call of ours: no event may come
};

class UpstreamFixture : public ::testing::Test {
 protected:
  UpstreamFixture();
  ~UpstreamFixture() override;

  // Takes `policy` and the endpoints' addresses into force.
  void Configure();
  void SetEndpoints(const std::vector<base::SocketAddress>& addresses);
  std::unique_ptr<TestRequest> Request(http::Method method = http::Method::kGet);
  // A GET that is answered: returns the upstream's end of its connection.
  std::unique_ptr<ScriptedPeer> WarmUp();
  // Sends `response` to a GET and turns until it is over.
  std::unique_ptr<TestRequest> Answer(std::string_view response, bool then_close = false,
                                      http::Method method = http::Method::kGet);
  int64_t Gauge(metrics::ConnectionState state) const;
  uint64_t Connects(metrics::ConnectResult result) const;

  TestWorker worker;
  ScriptedUpstream server;
  std::unique_ptr<ScriptedPeer> peer;  // of Answer
  routing::UpstreamPolicy policy;
  std::shared_ptr<UpstreamShared> shared = std::make_shared<UpstreamShared>("shop");
  std::shared_ptr<const metrics::UpstreamSeries> series = worker.registry.Upstream("shop");
  std::shared_ptr<const EndpointSet> endpoints;
  std::unique_ptr<Cluster> cluster;
};

inline constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace headgate::proxy
