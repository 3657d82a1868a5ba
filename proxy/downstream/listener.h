// A listener on one worker: accepts, counts, holds its connections, and follows the configuration by its address; its
// name may change.
// Owned by the worker; lives until its last connection is gone.
// One thread: the worker's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "base/intrusive_list.h"
#include "base/log/log.h"
#include "base/timer_wheel.h"
#include "metrics/series.h"
#include "proxy/exchange/services.h"
#include "proxy/net/listen_socket.h"
#include "proxy/net/reactor.h"
#include "proxy/snapshot/pin.h"

namespace headgate::proxy {

struct ConnectionTag {};

// A connection as its listener sees it.
class ListenerConnection : public base::ListNode<ConnectionTag> {
 public:
  // The process or the listener is going away: a client that can be told is told; new connections still come.
  virtual void BeginDrain() = 0;
  // No request is under way: close. Otherwise it closes with its response.
  virtual void CloseIfIdle() = 0;
  // It takes no further request: it ends with what it carries.
  virtual bool finishing() const = 0;
  // Closes at once, whatever is under way.
  virtual void CloseNow() = 0;

 protected:
  ~ListenerConnection() = default;
};

// What a listener asks of its worker.
class ListenerHost {
 public:
  virtual PinRef CurrentSnapshot() = 0;
  virtual bool draining() const noexcept = 0;
  // The process's limit of connections: the configuration's, but short of the file limit.
  virtual uint64_t connections_limit() const noexcept = 0;

 protected:
  ~ListenerHost() = default;
};

class Listener final : private net::IoHandler {
 public:
  // How long the clients of a listener that left the configuration may still ask before idle connections close.
  static constexpr base::Duration kRetireGrace = std::chrono::seconds(5);

  Listener(ListenerHost& host, ExchangeServices& services);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // The configuration in force: index into its listeners. Connections keep going.
  void Configure(const ListenerRuntime& runtime, uint32_t index);
  // Starts to accept from a socket that the WorkerSet lends.
  void Open(net::ListenSocket& socket);
  // Accepts whoever waits, then forgets the socket.
  void Shut();
  // The listener left the configuration: its connections finish on `last`, the one that still had it, and close with
  // their next response.
  void Retire(PinRef last);
  // Lets `last` go once no connection will ask it anything: a tunnel may live for weeks.
  void ReleaseSnapshot();
  void BeginDrain();
  void CloseIdle();
  void CloseAll();
  bool empty() noexcept { return connections_.empty(); }
  bool open() const noexcept { return socket_ != nullptr; }

  // ---- for connections ----
  const routing::ListenerPolicy& policy() const noexcept { return *policy_; }
  const metrics::ListenerSeries& series() const noexcept { return *series_; }
  ExchangeServices& services() noexcept { return services_; }
  uint32_t index() const noexcept { return index_; }
  // Connections close with their next response.
  bool draining() const noexcept { return retired() || host_.draining(); }
  // They have been told to close: one that is made only now must be told as well.
  bool closing() const noexcept { return closing_; }
  bool retired() const noexcept { return retired_; }
  // False: a request that begins now has no configuration.
  bool serves() const noexcept { return !retired_ || retired_with_; }
  PinRef CurrentSnapshot();
  net::TlsServerContext* tls() const noexcept { return tls_.get(); }
  std::shared_ptr<const net::CertificateSet> certificates() const noexcept { return certificates_; }
  void Added(ListenerConnection& connection) { connections_.PushBack(connection); }
  // A connection closed: its place is free again.
  void Removed();
  // The gauges of connections and of HTTP/2 streams.
  void Count(metrics::ConnectionState state, int64_t change);
  void CountStreams(int64_t change);
  // Connections of this peer begin with a PROXY header.
  bool SendsProxyHeader(const base::IpAddress& peer) const noexcept {
    return base::Contains(policy_->proxy_protocol_from, peer);
  }
  // A place among the client's connections; false: limits.maxConnectionsPerClient is reached, which is counted.
  bool TakeClientPlace(const base::IpAddress& client, ClientPlaces::Place& place);
  // In the metric each, in the log now and then. `reason`: static text.
  void NoteProxyHeaderRefused(const base::SocketAddress& peer, const char* reason);

 private:
  void OnReady(uint32_t events) override;
  void AcceptSome(size_t most);
  enum class Accepting : uint8_t { kGoesOn, kQueueIsEmpty, kMustWait };
  Accepting AcceptOne();
  bool TakePlace();
  void GivePlace();
  void NoteRefusal();
  void Pause();
  void Resume();
  void MoveGauges(const metrics::ListenerSeries& to);

  ListenerHost& host_;
  ExchangeServices& services_;
  std::shared_ptr<const routing::ListenerPolicy> policy_;
  std::shared_ptr<const metrics::ListenerSeries> series_;
  std::shared_ptr<SharedBudget> connections_budget_;
  std::shared_ptr<net::TlsServerContext> tls_;
  std::shared_ptr<const net::CertificateSet> certificates_;
  uint32_t index_ = 0;
  net::ListenSocket* socket_ = nullptr;
  bool retired_ = false;
  PinRef retired_with_;
  bool paused_ = false;
  const char* refusal_ = nullptr;  // what a connection that waits was not accepted for
  base::log::LimitedLog refusals_log_{std::chrono::seconds(10)};
  base::log::LimitedLog client_log_{std::chrono::seconds(10)};
  base::log::LimitedLog proxy_headers_log_{std::chrono::seconds(10)};
  bool closing_ = false;
  std::array<int64_t, metrics::kConnectionStateCount> counted_{};
  int64_t streams_counted_ = 0;
  base::Timer resume_timer_;
  base::Timer grace_timer_;
  base::IntrusiveList<ListenerConnection, ConnectionTag> connections_;
};

}  // namespace headgate::proxy
