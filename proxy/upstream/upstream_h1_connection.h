// One HTTP/1.1 connection to an endpoint, plain or TLS, that carries one exchange's attempt at a time.
// Owned by a pool (its list of connections); buried in the worker's graveyard when closed.
// One thread: the worker's. Tells its attempt of events from the loop only.
//
//   state         | event                                   | next
//   --------------+-----------------------------------------+--------------------------------------------------
//   kNew          | Connect                                 | kConnecting (TLS included)
//   kConnecting   | done / refused, failed, deadline        | kIdle / kClosed (OnConnectFailed)
//   kIdle         | Lease                                   | kLeased
//   kIdle         | bytes, end, reset                       | kClosed (OnIdleClosed)
//   kLeased       | 101 that was asked for                  | kTunnel
//   kLeased       | Release, both messages complete         | kIdle (OnReleased)
//   kLeased       | error (the attempt is told), Release    | kClosed (OnReleased)
//   kTunnel       | Release                                 | kClosed (OnReleased)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/end.h"
#include "base/intrusive_list.h"
#include "proxy/context/worker_context.h"
#include "proxy/net/graveyard.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/transport.h"
#include "proxy/shared/upstream_shared.h"
#include "proxy/upstream/attempt.h"
#include "proxy/upstream/connection_tags.h"
#include "proxy/upstream/connector.h"
#include "proxy/upstream/h1_request_writer.h"
#include "proxy/upstream/h1_response_reader.h"
#include "proxy/upstream/websocket_key.h"

namespace headgate::proxy {

class UpstreamH1Connection;
struct PoolEndpoint;

class UpstreamH1ConnectionOwner {
 public:
  virtual void OnConnectDone(UpstreamH1Connection& connection) = 0;
  virtual void OnConnectFailed(UpstreamH1Connection& connection, const base::Error& error) = 0;
  // Something happened to a connection that carries nothing: it is of no more use.
  virtual void OnIdleClosed(UpstreamH1Connection& connection) = 0;
  // The attempt let go. `clean`: another request may follow on it.
  virtual void OnReleased(UpstreamH1Connection& connection, bool clean) = 0;

 protected:
  ~UpstreamH1ConnectionOwner() = default;
};

// What the pool notes about a connection.
struct PoolNotes {
  PoolEndpoint* place = nullptr;  // null: its endpoint is gone
  Attempt* granted_to = nullptr;
  uint64_t generation = 0;   // of the configuration it was opened under
  base::Instant deadline{};  // connecting: when it has failed; idle: since when
  base::Instant expires{};   // connections.maxAge
};

class UpstreamH1Connection final : public UpstreamStream,
                                   public net::Mortal,
                                   public base::ListNode<AllTag>,
                                   public base::ListNode<IdleTag>,
                                   public base::ListNode<AgeTag>,
                                   private net::TransportOwner {
 public:
  UpstreamH1Connection(WorkerContext& worker, UpstreamH1ConnectionOwner& owner,
                       std::shared_ptr<EndpointShared> endpoint);
  ~UpstreamH1Connection() override;

  // Starts connecting; `tls` may be null. An error means that it failed at once: no event follows.
  base::Result<void> Connect(std::shared_ptr<net::TlsClientContext> tls, std::string_view server_name);
  // Why a connect that was given up had not succeeded yet.
  base::Error ConnectTimedOut() const noexcept { return connector_.TimedOut(); }
  // Nothing was said since it became idle: it may carry a request. Reads if in doubt.
  bool Alive() noexcept;
  // From idle: the attempt's fields are filled in.
  UpstreamStream& Lease(Attempt& attempt) noexcept;
  // Ends it wherever it is; no event follows.
  void Close() noexcept;

  void SendHead(const http::RequestHead& head, base::End end, bool upgrade) override;
  void SendBody(base::Chain& data, base::End end) override;
  void SendTrailers(const http::HeaderMap& trailers) override;
  size_t queued() const noexcept override { return writer_.queued(); }
  void SetResponseCredit(size_t bytes) override;
  void Release() override;

  const std::shared_ptr<EndpointShared>& endpoint() const noexcept { return endpoint_; }
  bool connecting() const noexcept { return state_ == State::kConnecting; }
  bool idle() const noexcept { return state_ == State::kIdle; }
  bool leased() const noexcept { return state_ == State::kLeased || state_ == State::kTunnel; }
  uint64_t served() const noexcept { return served_; }
  // How long the upstream said that it leaves the connection open; 0: it said nothing.
  base::Duration stated_idle() const noexcept { return stated_idle_; }

  PoolNotes notes;

 private:
  enum class State : uint8_t { kNew, kConnecting, kIdle, kLeased, kTunnel, kClosed };
  static constexpr bool kReset = true;

  void OnTransportReady() override;
  void OnConnecting();
  // The steps of a leased turn; each ends with whether the same lease goes on.
  bool Flush();
  bool Receive();
  bool Digest();
  bool TakeHeads();
  bool TakeHead(http::ResponseHead& head);
  bool LooksOn() noexcept;
  bool DeliverHead();
  bool BecomeTunnel(http::ResponseHead& head);
  bool Deliver();
  bool ReadOnce(bool& more);
  bool WantsInput() noexcept;
  void Write() noexcept;
  void Fail(base::Error error);
  // The failure of a connection that gave no whole answer.
  base::Error Lost(const char* detail) const noexcept;

  WorkerContext& worker_;
  UpstreamH1ConnectionOwner& owner_;
  std::shared_ptr<EndpointShared> endpoint_;
  net::Transport transport_;
  Connector connector_;
  State state_ = State::kNew;
  bool upgrade_ = false;         // asked for
  bool over_ = false;            // the attempt was told of its end
  bool keep_alive_ = true;       // what the response said
  bool looked_on_ = false;       // the socket was read once more since the final head
  bool head_delivered_ = false;  // the final one
  bool response_ended_ = false;  // all of it was told
  uint8_t interim_ = 0;
  base::Duration stated_idle_{0};
  uint64_t leases_ = 0;  // tells a lease from the next one, which may begin within an event of the one before
  uint64_t served_ = 0;  // leases that ended
  size_t credit_ = 0;
  Attempt* attempt_ = nullptr;
  http::ResponseHead* head_ = nullptr;  // the final one, until it is delivered
  WebSocketKey websocket_;              // of an upgrade whose client sent no key
  H1RequestWriter writer_;
  H1ResponseReader reader_;
  base::Chain delivery_;  // what an event carries
};

}  // namespace headgate::proxy
