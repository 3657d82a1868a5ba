// A client's HTTP/1 connection: heads, bodies under credit, pipelining, tunnels, lingering close.
// Owned by its listener's list; buried in the worker's graveyard when closed.
// One thread: the worker's.
//
//   kIdle -> kHead -> kExchange -> kIdle | kHead (pipelined)
//                     kExchange -> kTunnel -> closed
//                     kExchange -> kDrainBody -> kIdle       (a body that nobody wanted, bounded)
//                     kExchange | kDrainBody -> kLinger -> closed
//   Deadlines: kIdle limits.keepAlive, kHead limits.headTimeout, kExchange the body's and the reader's progress clocks,
//   kDrainBody and kLinger fixed ones, kTunnel the reader's clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/end.h"
#include "base/slab.h"
#include "base/timer_wheel.h"
#include "http/h1/decoder.h"
#include "proxy/downstream/accepted_connection.h"
#include "proxy/downstream/connection_gauge.h"
#include "proxy/downstream/listener.h"
#include "proxy/downstream/message_clocks.h"
#include "proxy/exchange/downstream_stream.h"
#include "proxy/exchange/exchange.h"
#include "proxy/net/graveyard.h"
#include "proxy/net/transport.h"

namespace headgate::proxy {

class DownstreamH1Connection final : public net::Mortal,
                                     public ListenerConnection,
                                     private net::TransportOwner,
                                     private DownstreamStream {
 public:
  // `listener` outlives the connection.
  static void Start(Listener& listener, AcceptedConnection accepted);
  ~DownstreamH1Connection() override;

  // ListenerConnection: drain and shutdown.
  void BeginDrain() override {}
  void CloseIfIdle() override;
  bool finishing() const override { return (state_ == State::kExchange && close_after_) || state_ >= State::kTunnel; }
  void CloseNow() override;

 private:
  enum class State : uint8_t { kIdle, kHead, kExchange, kDrainBody, kTunnel, kLinger, kClosed };

  DownstreamH1Connection(Listener& listener, AcceptedConnection accepted);

  // downstream_h1_connection.cc: states and deadlines.
  void OnTransportReady() override;
  void Run();
  bool Step();
  void StepTunnel();
  void NoticeHangup();
  void ClientLeft(const char* how);
  void OnTimer();
  void ArmTimer();
  void EnterIdle();
  void FinishMessage();
  void BeginLinger();
  void Linger();
  void Close(bool reset);
  void Close(bool reset, const base::Error& why);
  void SetState(State state);

  // downstream_h1_connection_read.cc: heads and bodies.
  net::IoStatus ReadOnce();
  net::IoStatus ReadAhead();
  bool ReadMore();
  bool TakeHead();
  void StartExchange(size_t head_bytes, const base::Error& early_error);
  bool TakeBody();
  bool ReadBodyDirectly();
  void DeliverBody(base::Chain& data, base::End end);
  void OnInputEnd(bool clean);
  void DrainBody();
  void RelayTunnel();
  void MakeRoom();
  void ReleaseInput();
  size_t buffered() const noexcept { return end_ - begin_; }

  // downstream_h1_connection_write.cc: DownstreamStream and flushing.
  const ClientInfo& client() const noexcept override { return client_.info(); }
  void SendInterim(http::ResponseHead& head) override;
  void SendHead(http::ResponseHead& head, base::End end) override;
  void SendBody(base::Chain& data, base::End end) override;
  void SendTrailers(const http::HeaderMap& trailers) override;
  void Abort() override;
  size_t queued() const noexcept override { return out_.size(); }
  void SetRequestCredit(size_t bytes) override;
  void StopBodyClock() override;
  void DiscardRequestBody() override { discard_body_ = true; }
  void CloseAfterResponse() override { close_after_ = true; }
  void OnExchangeDone() override;
  void Flush();
  void FlushSoon();
  void ReportFlushed();
  bool Unwanted(uint16_t status) const noexcept;
  void AppendHead(const http::ResponseHead& head, bool upgrade);
  std::span<char> OutSpace(size_t bytes);
  void CommitOut(size_t bytes);

  ExchangeServices& services() noexcept { return listener_.services(); }
  WorkerContext& worker() noexcept { return listener_.services().worker; }
  base::Instant now() noexcept { return worker().now; }
  const routing::LimitsPolicy& limits() const noexcept { return listener_.policy().limits; }

  Listener& listener_;
  ClientIdentity client_;
  std::unique_ptr<net::Transport> transport_;
  State state_ = State::kIdle;
  std::optional<ConnectionGauge> gauge_;
  base::Timer timer_;
  MessageClocks clocks_;
  base::Instant linger_until_{};

  // Input: one slab while something is arriving.
  base::SlabRef in_;
  size_t begin_ = 0;  // first byte not yet taken
  size_t end_ = 0;    // behind the last byte read
  http::h1::HeadScanner scanner_;
  base::Instant first_byte_{};  // of the request; until there is one, when the connection was accepted
  base::Instant last_input_;
  uint64_t requests_ = 0;

  base::Chain incoming_;  // storage for body bytes within one call; empty between calls

  // The request under way.
  Exchange* exchange_ = nullptr;
  http::h1::BodyDecoder body_;
  std::optional<http::HeaderMap> trailers_;
  size_t request_credit_ = 0;
  bool body_delivered_ = false;  // the exchange was told the body's end
  bool discard_body_ = false;
  bool input_ended_ = false;  // the peer's FIN was read; what is buffered is all there will be

  // Output.
  base::Chain out_;
  base::SlabRef out_slab_;
  size_t out_used_ = 0;
  http::Version client_version_ = http::Version::kHttp11;
  bool head_request_ = false;
  bool chunked_out_ = false;
  bool close_after_ = false;
  bool until_close_out_ = false;
  bool response_complete_ = false;
  bool shutdown_after_flush_ = false;
  bool flushed_event_due_ = false;
  bool write_failed_ = false;
  bool aborted_ = false;
  bool running_ = false;
};

}  // namespace headgate::proxy
