// One HTTP/2 connection to an endpoint (RFC 9113), over TLS with ALPN or with prior knowledge, that carries many
// attempts at a time. Frames of all its streams leave in one write at the turn's end.
// Owned by a pool (its list of connections); buried in the worker's graveyard when closed.
// One thread: the worker's. Tells attempts and its owner of events from the loop only (OnReleased: from Release).
//
//   state         | event                                             | next
//   --------------+---------------------------------------------------+--------------------------------------------
//   kNew          | Connect                                           | kConnecting (TLS included)
//   kConnecting   | done / refused, failed, no "h2" by ALPN, deadline | kOpen / kClosed (OnConnectFailed)
//   kOpen         | GOAWAY                                            | kDraining (OnDraining)
//   kOpen         | Drain: age, requests, retired, reconfigured       | kDraining
//   kOpen, kDraining | end, reset, broken rule, no SETTINGS within    | kLost (OnLost): whole responses are still
//                 | connectTimeout, no answer to a PING               | delivered, other streams have failed
//   any           | Close                                             | kClosed
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/intrusive_list.h"
#include "base/timer_wheel.h"
#include "http/h2/session.h"
#include "proxy/context/worker_context.h"
#include "proxy/net/graveyard.h"
#include "proxy/net/transport.h"
#include "proxy/shared/upstream_shared.h"
#include "proxy/upstream/connection_tags.h"
#include "proxy/upstream/connector.h"
#include "proxy/upstream/upstream_h2_stream.h"

namespace headgate::proxy {

class UpstreamH2Connection;
struct H2Place;

class UpstreamH2ConnectionOwner {
 public:
  virtual void OnConnectDone(UpstreamH2Connection& connection) = 0;
  virtual void OnConnectFailed(UpstreamH2Connection& connection, const base::Error& error) = 0;
  // The upstream takes no more streams on it.
  virtual void OnDraining(UpstreamH2Connection& connection) = 0;
  // Its transport is gone.
  virtual void OnLost(UpstreamH2Connection& connection) = 0;
  // There may be room for more streams than before.
  virtual void OnRoom(UpstreamH2Connection& connection) = 0;
  // An attempt let go: leased() went down. Nobody may be called back from it.
  virtual void OnReleased(UpstreamH2Connection& connection) = 0;

 protected:
  ~UpstreamH2ConnectionOwner() = default;
};

// What the pool notes about a connection.
struct H2PoolNotes {
  H2Place* place = nullptr;  // null: its endpoint is gone
  uint64_t generation = 0;   // of the configuration it was opened under
  bool active = false;       // as the gauges know it
  bool idle = false;
  base::Instant deadline{};  // connecting: when it has failed; idle: since when
  base::Instant opened{};
  base::Instant expires{};  // connections.maxAge
};

class UpstreamH2Connection final : public net::Mortal,
                                   public base::ListNode<AllTag>,
                                   public base::ListNode<IdleTag>,
                                   public base::ListNode<AgeTag>,
                                   private net::TransportOwner,
                                   private net::IoHandler {
 public:
  static constexpr size_t kStreamsMax = 1000;  // whatever the peer allows: a second connection is cheaper by then
  // A connection with streams that hears nothing for this long asks by PING, and is lost without an answer.
  static constexpr base::Duration kQuietMax = std::chrono::seconds(15);
  static constexpr base::Duration kPingTimeout = std::chrono::seconds(20);
  // Until a response's next byte it asks no more for this long: gRPC's servers take more than one PING in five minutes
  // of their own silence for an attack, and end the connection.
  static constexpr base::Duration kPingAgain = std::chrono::seconds(310);

  UpstreamH2Connection(WorkerContext& worker, UpstreamH2ConnectionOwner& owner,
                       std::shared_ptr<EndpointShared> endpoint);
  ~UpstreamH2Connection() override;

  // Starts connecting; `tls` may be null. The peer's SETTINGS are awaited for `timeout` after the connection is made.
  // An error means that it failed at once: no event follows.
  base::Result<void> Connect(std::shared_ptr<net::TlsClientContext> tls, std::string_view server_name,
                             base::Duration timeout);
  base::Error ConnectTimedOut() const noexcept { return connector_.TimedOut(); }
  // room() must not be 0: the attempt's fields are filled in.
  UpstreamH2Stream& Lease(Attempt& attempt);
  // No more streams begin.
  void Drain() noexcept;
  // Ends it wherever it is; no event follows.
  void Close() noexcept;

  const std::shared_ptr<EndpointShared>& endpoint() const noexcept { return endpoint_; }
  bool connecting() const noexcept { return state_ == State::kConnecting; }
  bool open() const noexcept { return state_ == State::kOpen; }
  // How many more streams may begin.
  size_t room() const noexcept;
  // Four fifths of what the peer allows are taken: time for another connection.
  bool crowded() const noexcept;
  size_t leased() const noexcept { return leased_count_; }  // streams that are an attempt's
  uint64_t begun() const noexcept { return begun_; }        // leases
  bool has_served() const noexcept { return served_; }      // a response came

  H2PoolNotes notes;

 private:
  friend class UpstreamH2Stream;
  enum class State : uint8_t { kNew, kConnecting, kOpen, kDraining, kLost, kClosed };

  void OnTransportReady() override;  // the socket's event
  void OnReady(uint32_t events) override;
  void OnConnecting();
  void StartSession();
  // h2_connection_turn.cc: a turn reads, tells the streams, and writes what they made.
  void Turn();
  void TakeTurn();
  void Receive();
  bool ReadOnce(bool& more);
  bool Feed(const base::SlabRef& owner, std::string_view bytes);
  base::Error Broken() const noexcept;
  void TakeConnectionNews();
  void TellStreams();
  void Write() noexcept;
  void Fail();
  void TakeBreath() noexcept;
  void OnTimer();
  base::Instant NextPing() const noexcept;
  void NoteResponse() noexcept;
  void ArmTimer() noexcept;

  // For the streams.
  http::h2::Session& session() noexcept { return *session_; }
  // It will be lost when everything that was read has been told.
  bool failed() const noexcept { return failure_.code != base::ErrorCode::kNone; }
  bool alive() const noexcept { return state_ == State::kOpen || state_ == State::kDraining; }
  void RequestTurn() noexcept { worker_.reactor.Defer(*this); }
  // The stream is looked at in this turn.
  void Wake(UpstreamH2Stream& stream) noexcept;
  void Await(UpstreamH2Stream& stream) noexcept { unsent_.PushBack(stream); }
  void Released(UpstreamH2Stream& stream, bool parting) noexcept;
  void Free(UpstreamH2Stream& stream) noexcept;

  WorkerContext& worker_;
  UpstreamH2ConnectionOwner& owner_;
  std::shared_ptr<EndpointShared> endpoint_;
  net::Transport transport_;
  Connector connector_;
  State state_ = State::kNew;
  bool served_ = false;
  bool flowing_ = false;        // the last read filled its buffer: the next one is larger
  bool write_failed_ = false;   // the kernel takes no more
  bool settled_ = false;        // the peer's SETTINGS came
  size_t streams_allowed_ = 0;  // by them; before: as EndpointShared assumes
  bool told_draining_ = false;  // the owner heard of GOAWAY
  bool room_news_ = false;      // the owner should hear of room
  bool pinging_ = false;
  bool in_turn_ = false;
  base::Duration timeout_{};
  base::Instant settings_deadline_ = base::Instant::max();
  base::Instant ping_deadline_ = base::Instant::max();
  base::Instant quiet_since_{};
  base::Instant ping_from_{};  // not before
  base::Timer timer_;
  base::Error failure_;  // why it is to be lost
  uint64_t begun_ = 0;
  size_t leased_count_ = 0;
  size_t known_ = 0;  // leased and parting ones: what counts against the peer's limit
  size_t free_count_ = 0;

  base::IntrusiveList<UpstreamH2Stream, StreamTag> leased_;
  base::IntrusiveList<UpstreamH2Stream, StreamTag> parting_;
  base::IntrusiveList<UpstreamH2Stream, StreamTag> free_;
  base::IntrusiveList<UpstreamH2Stream, UpstreamReadyTag> ready_;
  base::IntrusiveList<UpstreamH2Stream, UnsentTag> unsent_;
  std::optional<http::h2::Session> session_;
  base::SlabRef slab_;  // where small reads go
  size_t slab_used_ = 0;
  base::Chain input_;     // of a large read
  base::Chain output_;    // frames that the kernel has not taken
  base::Chain delivery_;  // what an event carries
};

}  // namespace headgate::proxy
