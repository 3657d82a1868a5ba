// A whole data plane for a test: text is compiled, published to real workers on loopback, and may be replaced.
// Owned by a test.
// Publish and the counters: the test's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/registry.h"
#include "proxy/snapshot/builder.h"
#include "proxy/worker/worker_set.h"
#include "tests/integration/socket_peer.h"

namespace headgate::integration {

inline constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

class ProxyUnderTest {
 public:
  // What a test changes in a snapshot before it is published.
  using Change = std::function<void(proxy::Snapshot&)>;

  // `configuration` is a whole file; each "127.0.0.1:0" (quoted, in the order of the file) becomes a free port.
  explicit ProxyUnderTest(std::string_view configuration, uint32_t workers = 1, Change change = {});
  ~ProxyUnderTest();

  // Puts another configuration into force and waits until every worker has it.
  void Publish(std::string_view configuration);
  uint16_t port(const std::string& listener = "web") const;
  SocketPeer Connect(const std::string& listener = "web") const { return SocketPeer::Connect(port(listener)); }
  // One request on a connection of its own.
  std::string Ask(std::string_view request, const std::string& listener = "web") const;

  proxy::WorkerSet& server() { return *server_; }
  const proxy::Snapshot& snapshot() const { return *snapshot_; }
  std::string Scrape() { return registry_.Scrape(false); }
  // The value of a sample by its exact name and labels; 0 when it is not exported.
  double Metric(std::string_view sample);
  // Waits (bounded) until the sample has this value; the last value seen.
  double WaitMetric(std::string_view sample, double value);

 private:
  std::string WithPorts(std::string_view configuration);

  Change change_;
  std::vector<uint16_t> ports_;
  base::SystemClock clock_;
  metrics::Registry registry_{clock_};
  proxy::net::TicketKeys tickets_;
  metrics::AccessLogSettings log_settings_;
  metrics::AccessLogWriter log_writer_;
  std::unique_ptr<proxy::WorkerSet> server_;
  proxy::SnapshotBuilder builder_;
  std::shared_ptr<const proxy::Snapshot> snapshot_;
};

// A listener 'web' on a free port in front of one upstream.
std::string OneUpstream(const std::string& address, std::string_view route_keys = "", std::string_view more = "");

}  // namespace headgate::integration
