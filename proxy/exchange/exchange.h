// One request from its head to its outcome: the only place where the client's side and the upstream's side meet.
// Lent by the worker's ExchangePool to a downstream stream; goes back by itself when it is done.
// One thread: the worker's. Never calls back into a caller's stack: see downstream_stream.h and attempt.h.
//
//   kFree --Begin--> kJudging --route, filters, split--> kForwarding --head--> kResponding ---+
//                       |                                  |     \                            |
//                       | refused, answered                | failed\--101--> kTunnel --------+
//                       v                                  v                                  |
//                    kReplying <---------------------------+                                  |
//                       |                                                                     |
//                       +--all flushed--> kFinished <--all flushed, or cut at any time--------+
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/timer_wheel.h"
#include "http/message.h"
#include "proxy/exchange/deadlines.h"
#include "proxy/exchange/downstream_stream.h"
#include "proxy/exchange/forwarder.h"
#include "proxy/exchange/grpc.h"
#include "proxy/exchange/services.h"
#include "proxy/snapshot/pin.h"
#include "routing/route_table.h"
#include "routing/split.h"

namespace headgate::proxy {

class Exchange final : private ForwarderEvents {
 public:
  explicit Exchange(ExchangeServices& services);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  // ---- for the downstream stream ----
  base::Arena& arena() noexcept { return arena_; }
  http::RequestHead& request() noexcept { return *request_; }
  // The slab that holds the head's text; kept until the exchange ends.
  void HoldHead(base::SlabRef slab) { head_slab_ = std::move(slab); }

  // Starts the exchange for the request in request(). `first_byte` is when its first byte came; `head_error` is what
  // the decoder found (code kNone: the head is good). `listener` indexes the pinned configuration's listeners.
  // A malformed HTTP/2 head (IsNeverAnswered) is over before this returns.
  void Begin(DownstreamStream& stream, PinRef pin, uint32_t listener, base::Instant first_byte,
             const base::Error& head_error);
  // Body bytes, within the credit. `end`: the body (in a tunnel: the client's side) is complete.
  void OnRequestBody(base::Chain& data, bool end, const http::HeaderMap* trailers);
  // queued() of the stream went down; `all`: nothing is left to send, and the response was complete.
  void OnResponseFlushed(bool all);
  // The client is gone or broke the rules: nothing can be sent to it any more (kClientClosed, kSlowReader; kDraining:
  // we close), or the body is wrong or late (kBadRequest, kBodyTimeout ...: answered if no head has left yet, unless
  // IsNeverAnswered).
  void OnClientError(const base::Error& error);
  bool waits_for_upstream() const noexcept { return state_ == State::kForwarding; }
  bool tunnel() const noexcept { return state_ == State::kTunnel; }

 private:
  friend class ExchangePool;
  enum class State : uint8_t { kFree, kJudging, kForwarding, kResponding, kTunnel, kReplying, kFinished };

  // exchange_start.cc: judge, route, choose.
  void Start(const base::Error& head_error);
  bool RunFilters();
  void FindClient();
  void TakeRequestId();
  void TakeRoute();
  void Forward(const routing::ForwardAction& action);
  void PrepareUpstreamHead();
  void RememberForLog();

  // exchange_response.cc: the response's way to the client.
  void OnResponseHead(http::ResponseHead& head, bool end) override;
  void OnResponseBody(base::Chain& data, bool end, const http::HeaderMap* trailers) override;
  void OnInterimResponse(http::ResponseHead& head) override;
  void OnRequestRoom() override;
  void OnForwardFailed(const base::Error& error) override;
  void UpdateRequestCredit();
  bool BodyNotAskedFor() const noexcept;
  void BecomeTunnel(http::ResponseHead& head);
  void RelayTunnelEnd();
  void UpdateResponseCredit();
  void ReplyError(const base::Error& error);
  void ReplyRedirect(const routing::RedirectAction& redirect);
  void ReplyHttpsRedirect();
  void ReplyRespond(const routing::RespondAction& respond);
  void SendReply(http::ResponseHead& head, std::string_view body);
  void LetGoOfSnapshot();

  // exchange_grpc.cc: the same to a gRPC client.
  void TakeGrpcTimeout();
  void AddGrpcStatus(GrpcStatus status, std::string_view message, http::HeaderMap& fields);
  void ReplyGrpc(GrpcStatus status, std::string_view reason);
  void ReplyGrpcNeedsHttp2();
  bool EndGrpcResponse(const base::Error& error);

  // exchange_finish.cc: deadlines and the outcome.
  void OnTimer();
  void ArmTimer();
  void Finish();
  // A malformed HTTP/2 message: its stream was reset, nothing can be said on it (RFC 9113 8.1.1).
  bool IsNeverAnswered(const base::Error& error) const noexcept;
  void Fail(const base::Error& error);  // the client sees an error or a visible cut
  void CountOutcome(base::Instant ended);
  void WriteAccessLog(base::Instant ended);
  void Reset() noexcept;

  base::Instant now() const noexcept { return services_.worker.now; }
  metrics::Shard& shard() noexcept { return services_.worker.shard; }
  size_t buffer_bytes() const noexcept { return buffer_bytes_; }

  ExchangeServices& services_;
  base::Arena arena_;
  std::optional<http::RequestHead> request_;
  base::SlabRef head_slab_;
  DownstreamStream* stream_ = nullptr;
  PinRef pin_;
  State state_ = State::kFree;

  // The route, until the snapshot is let go of; then `kept_` holds what is still needed.
  routing::Match match_;
  const routing::RoutePolicy* route_ = nullptr;
  const metrics::RouteSeries* series_ = nullptr;
  struct Kept {
    std::shared_ptr<const routing::RoutePolicy> route;
    std::shared_ptr<const metrics::RouteSeries> series;
  };
  Kept kept_;
  const routing::ListenerPolicy* listener_ = nullptr;  // null once the snapshot is let go of
  uint32_t listener_index_ = 0;
  size_t buffer_bytes_ = 0;
  base::IpAddress client_;

  Forwarder forwarder_;
  uint32_t backend_series_ = 0;  // index into RouteSeries::backends; 0: no upstream
  std::string_view upstream_name_;
  std::string_view set_cookie_;
  bool route_counted_ = false;

  base::Chain outgoing_;             // storage for what leaves within one call
  bool request_ended_ = false;       // the client's side is complete
  bool response_ended_ = false;      // everything was given to the downstream stream
  bool response_flushed_ = false;    // and has left it
  bool response_committed_ = false;  // a final head was given to the downstream stream
  bool client_gone_ = false;
  bool grpc_ = false;  // over HTTP/2; over HTTP/1.1 it is a request as any

  // Deadlines; Instant::max() is none.
  base::Timer timer_;
  base::Instant request_deadline_ = base::Instant::max();
  base::Instant grpc_deadline_ = base::Instant::max();  // grpc-timeout
  IdleClock idle_;

  // For metrics and the access log.
  base::Instant started_{};
  base::WallTime wall_started_{};
  base::Instant upstream_ended_{};  // the response's last byte came
  uint64_t bytes_in_ = 0;
  uint64_t bytes_out_ = 0;
  uint16_t status_ = 0;
  uint8_t grpc_status_ = metrics::kGrpcStatusOther;  // its label
  base::Error error_;
  std::string_view log_host_, log_path_, log_query_, log_user_agent_, log_referer_, request_id_;
  std::string_view trace_id_;
};

// Exchanges for one worker: made when the first request needs one, kept for the next.
class ExchangePool {
 public:
  explicit ExchangePool(size_t spare_max = 1024) noexcept : spare_max_(spare_max) {}
  Exchange* Take(ExchangeServices& services);
  void Return(Exchange* exchange) noexcept;
  size_t lent() const noexcept { return lent_; }

 private:
  size_t spare_max_;
  size_t lent_ = 0;
  std::vector<std::unique_ptr<Exchange>> spare_;
};

}  // namespace headgate::proxy
