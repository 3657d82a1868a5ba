// A client's HTTP/2 connection (RFC 9113): the transport around a session, and its streams.
// Owned by its listener's list; buried in the worker's graveyard when closed.
// One thread: the worker's. Whatever streams send within one turn leaves in one write at its end.
//
//   kOpen     -- drain, listener gone --------------------------> kNoticed  (GOAWAY(2^31-1))
//   kOpen     -- idle for limits.keepAlive ---------------------> kLeaving  (GOAWAY)
//   kNoticed  -- a second later --------------------------------> kLeaving  (GOAWAY: the last stream that was taken)
//   kLeaving  -- no stream is left, everything is written ------> kLinger
//   any       -- a broken rule, abuse: GOAWAY written ----------> kLinger
//   any       -- the client's GOAWAY, no stream is left --------> kLinger
//   any       -- end of input, reset, CloseNow; kLinger's end --> kClosed
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/slab.h"
#include "base/timer_wheel.h"
#include "http/h2/session.h"
#include "proxy/downstream/accepted_connection.h"
#include "proxy/downstream/connection_gauge.h"
#include "proxy/downstream/downstream_h2_stream.h"
#include "proxy/downstream/listener.h"
#include "proxy/downstream/progress_clock.h"
#include "proxy/net/graveyard.h"
#include "proxy/net/transport.h"

namespace headgate::proxy {

class DownstreamH2Connection final : public net::Mortal,
                                     public ListenerConnection,
                                     private net::TransportOwner,
                                     private http::h2::StreamSource {
 public:
  // `listener` outlives the connection.
  static void Start(Listener& listener, AcceptedConnection accepted);
  ~DownstreamH2Connection() override;

  // ListenerConnection: drain and shutdown.
  void BeginDrain() override { SendNotice(); }
  void CloseIfIdle() override { SendNotice(); }
  bool finishing() const override { return state_ >= State::kLeaving; }
  void CloseNow() override;

  // ---- for its streams ----
  const ClientInfo& client() const noexcept { return client_.info(); }
  http::h2::Session& session() noexcept { return session_; }
  Listener& listener() noexcept { return listener_; }
  ExchangeServices& services() noexcept { return listener_.services(); }
  WorkerContext& worker() noexcept { return listener_.services().worker; }
  const routing::LimitsPolicy& limits() const noexcept { return listener_.policy().limits; }
  // Frames or received bytes wait: the connection gets a turn.
  void WakeUp();
  void Ready(DownstreamH2Stream& stream) {
    ready_.PushBack(stream);
    WakeUp();
  }
  // The streams' responses that wait in memory, and whether that is too much together with what was received.
  void AddQueued(int64_t bytes) noexcept { queued_ = static_cast<size_t>(static_cast<int64_t>(queued_) + bytes); }
  bool HoldsTooMuch() const noexcept { return queued_ + session_.held_bytes() >= limits().h2_connection_bytes; }
  void Starve(DownstreamH2Stream& stream) noexcept { starved_.PushBack(stream); }
  size_t open_streams() const noexcept { return open_streams_; }
  // What the transport has moved in all, of every stream.
  uint64_t bytes_read() const noexcept { return bytes_read_; }
  // Of responses' bodies: what only keeps a connection busy (PING, heads) is no progress of a download.
  uint64_t data_sent() const noexcept { return data_sent_; }
  void NoteData(size_t bytes) noexcept { data_sent_ += bytes; }
  base::Chain& incoming() noexcept { return incoming_; }
  void StreamFreed(DownstreamH2Stream& stream);
  void CountStalled();
  // A head that began is late: nothing else can arrive behind it.
  void HeadIsLate();

 private:
  enum class State : uint8_t { kOpen, kNoticed, kLeaving, kLinger, kClosed };

  DownstreamH2Connection(Listener& listener, AcceptedConnection accepted);

  // downstream_h2_connection.cc: states and deadlines.
  void SendNotice();
  void Leave(http::h2::H2Error reason);
  void BeginLinger();
  void Linger();
  void EndSession();
  void LoseStreams(const base::Error& error);
  void TrimSpare();
  void OnTimer();
  void ArmTimer();
  void SetDeadline(base::Instant deadline);
  void UpdateIdle();
  void Close(bool reset);
  http::h2::Stream* NewStream(int32_t id) override;

  // downstream_h2_connection_turn.cc: what one turn does.
  void OnTransportReady() override;
  void Turn();
  bool Receive();
  net::IoResult ReadOnce();
  void TakeNews();
  void CountRefused();
  void Produce();
  void Write();

  Listener& listener_;
  ClientIdentity client_;
  std::unique_ptr<net::Transport> transport_;
  State state_ = State::kOpen;
  const uint32_t streams_max_;  // as announced: a reload doesn't change it
  std::optional<ConnectionGauge> gauge_;
  std::vector<std::unique_ptr<DownstreamH2Stream>> streams_;  // all; they outlive the session
  std::vector<DownstreamH2Stream*> spare_;                    // those of them that are free
  base::IntrusiveList<DownstreamH2Stream, OpenTag> open_;
  base::IntrusiveList<DownstreamH2Stream, DownstreamReadyTag> ready_;
  base::IntrusiveList<DownstreamH2Stream, StarvedTag> starved_;
  http::h2::Session session_;
  base::Timer timer_;
  base::Instant deadline_ = base::Instant::max();
  ProgressClock read_clock_;  // of the socket: the peer reads nothing at all

  base::SlabRef in_;      // while something is arriving
  size_t in_used_ = 0;    // bytes of it that the session was given
  size_t in_unread_ = 0;  // bytes behind them that it was not
  base::Chain out_;
  base::Chain incoming_;  // storage for body bytes within one call; empty between calls

  size_t open_streams_ = 0;
  size_t queued_ = 0;
  uint64_t refused_ = 0;  // streams, as counted so far
  uint64_t bytes_read_ = 0;
  uint64_t data_sent_ = 0;
  bool session_over_ = false;
  bool write_failed_ = false;
  bool running_ = false;
};

}  // namespace headgate::proxy
