// One request on a client's HTTP/2 connection: between the session's stream and the exchange.
// Owned by its connection, which keeps it for another request once it is closed.
// One thread: the worker's.
//
//   kHead     -- the head is complete ----------------> kExchange
//   kExchange -- the exchange is done, stream open ---> kClosing   (END_STREAM or a reset is on its way)
//             -- the stream is closed ----------------> kFree      (the exchange was told first)
//   kHead, kClosing -- the stream is closed ----------> kFree
//   Deadlines: kHead limits.headTimeout, kExchange the body's and the reader's progress clocks and, where the body is
//   not wanted, a second of it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/end.h"
#include "base/intrusive_list.h"
#include "base/timer_wheel.h"
#include "http/h2/stream.h"
#include "proxy/downstream/message_clocks.h"
#include "proxy/exchange/downstream_stream.h"
#include "proxy/exchange/exchange.h"

namespace headgate::proxy {

class DownstreamH2Connection;

struct OpenTag {};             // the streams of a connection
struct DownstreamReadyTag {};  // those that may deliver what was received, because credit came
struct StarvedTag {};          // those whose response waits because the connection holds too much

class DownstreamH2Stream final : public http::h2::Stream,
                                 public base::ListNode<OpenTag>,
                                 public base::ListNode<DownstreamReadyTag>,
                                 public base::ListNode<StarvedTag>,
                                 private DownstreamStream {
 public:
  explicit DownstreamH2Stream(DownstreamH2Connection& connection);
  DownstreamH2Stream(const DownstreamH2Stream&) = delete;
  DownstreamH2Stream& operator=(const DownstreamH2Stream&) = delete;
  ~DownstreamH2Stream();

  // A request begins on this stream.
  void Open(Exchange& exchange);
  // Looks at the session's news. The stream may be free afterwards.
  void TakeNews();
  // Gives the exchange what was received, as far as its credit goes.
  void Deliver();
  // The connection may hold more again.
  void Feed() {
    if (exchange_ != nullptr) exchange_->OnResponseFlushed(false);
  }
  // The connection is lost: the exchange, if there is one, is told, and the stream is free.
  void Drop(const base::Error& error);

 private:
  enum class State : uint8_t { kFree, kHead, kExchange, kClosing };

  // DownstreamStream
  const ClientInfo& client() const noexcept override;
  void SendInterim(http::ResponseHead& head) override;
  void SendHead(http::ResponseHead& head, base::End end) override;
  void SendBody(base::Chain& data, base::End end) override;
  void SendTrailers(const http::HeaderMap& trailers) override;
  void Abort() override;
  size_t queued() const noexcept override;
  void SetRequestCredit(size_t bytes) override;
  void StopBodyClock() override;
  void DiscardRequestBody() override;
  void CloseAfterResponse() override {}  // the connection's other requests go on
  void OnExchangeDone() override;

  void StartExchange();
  void Drain();
  void WatchDiscarded();
  void CountQueued() noexcept;
  void NoteSent();
  void NoteClosed();
  void Lose(const base::Error& error);
  void BecomeFree();
  // What the connection had moved when a clock of this stream, or its window, began.
  struct Mark {
    base::Instant when{};
    uint64_t bytes = 0;
  };
  void StarveIfFull();
  void StartBodyClock() noexcept;
  void StartReadClock() noexcept;
  void MarkBody() noexcept;
  void MarkReader() noexcept;
  uint64_t BytesOfSiblings() const noexcept;
  bool SiblingsHadTheTurn(const Mark& mark, uint64_t bytes, uint32_t bytes_per_second) const noexcept;
  void BodyIsLate();
  void ReaderIsLate();
  void OnTimer();
  void ArmTimer();
  base::Instant now() const noexcept;

  DownstreamH2Connection& connection_;
  State state_ = State::kFree;
  Exchange* exchange_ = nullptr;
  base::Instant first_byte_{};
  size_t request_credit_ = 0;
  size_t queued_before_ = 0;  // queued() when it was last looked at
  bool tunnel_ = false;
  bool outlived_ = false;        // by its exchange: the client is done, the upstream is not
  bool body_delivered_ = false;  // the exchange was told the body's end
  bool discarding_ = false;
  uint64_t drain_until_ = 0;  // body_bytes() at which enough was discarded
  bool head_sent_ = false;
  base::Timer timer_;
  MessageClocks clocks_;
  Mark body_mark_;
  Mark read_mark_;
};

}  // namespace headgate::proxy
