// One request from its head to its outcome: the only place where the client's side and the upstream's side meet.
// Lent by the worker's ExchangePool to a downstream stream; goes back by itself when it is done.
// One thread: the worker's. Never calls back into a caller's stack: see downstream_stream.h and attempt.h.
//
//                    kWaiting
//             a filter |  ^ waits
//              is done v  |
//   kFree --Begin--> kJudging --route, filters, split--> kForwarding --head--> kResponding ---+
//                       |                                  |     \                            |
//                       | refused, answered                | failed\--101--> kTunnel --------+
//                       v                                  v                                  |
//                    kReplying <---------------------------+                                  |
//                       |                                                                     |
//                       +--all flushed--> kFinished <--all flushed, or cut at any time--------+
//
//   kWaiting --late, a bad body--> kReplying. Its deadlines: timeouts.request, grpc-timeout, kFilterWaitMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/end.h"
#include "base/timer_wheel.h"
#include "http/message.h"
#include "proxy/exchange/deadlines.h"
#include "proxy/exchange/downstream_stream.h"
#include "proxy/exchange/forwarder.h"
#include "proxy/exchange/record.h"
#include "proxy/exchange/route_hold.h"
#include "proxy/exchange/services.h"
#include "proxy/filters/filter_run.h"
#include "proxy/reply/reply.h"
#include "routing/split.h"

namespace headgate::proxy {

class Exchange final : private ForwarderEvents, private FilterEvents {
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
  void OnRequestBody(base::Chain& data, base::End end, const http::HeaderMap* trailers);
  // queued() of the stream went down; `all`: nothing is left to send, and the response was complete.
  void OnResponseFlushed(bool all);
  // The client is gone or broke the rules: nothing can be sent to it any more (kClientClosed, kSlowReader; kDraining:
  // we close), or the body is wrong or late (kBadRequest, kBodyTimeout ...: answered if no head has left yet, unless
  // IsNeverAnswered).
  void OnClientError(const base::Error& error);

 private:
  friend class ExchangePool;
  enum class State : uint8_t { kFree, kJudging, kWaiting, kForwarding, kResponding, kTunnel, kReplying, kFinished };

  void SetState(State state) noexcept;
  // How far the response has come.
  enum class Progress : uint8_t {
    kNone,
    kCommitted,  // a final head was given to the downstream stream
    kGiven,      // and everything else
    kFlushed,    // and has left it
  };

  // exchange.cc: judge, route, filter, choose; deadlines and the end.
  void Judge(const base::Error& head_error);
  void TakeRoute();
  void RunFilters(FilterResult result);
  void OnFilterDone(FilterResult result) override;
  void Act();
  void Forward(const routing::ForwardAction& action);
  void SendUp(const routing::UpstreamPolicy& upstream, Cluster& cluster);
  void OnTimer();
  void ArmTimer();
  void Fail(const base::Error& error);  // the client sees an error or a visible cut
  void Finish();
  void Reset() noexcept;

  // exchange_relay.cc: both messages on their way.
  void OnInterimResponse(http::ResponseHead& head) override;
  void OnResponseHead(http::ResponseHead& head, base::End end) override;
  void OnResponseBody(base::Chain& data, base::End end, const http::HeaderMap* trailers) override;
  void OnRequestRoom() override;
  void OnForwardFailed(const base::Error& error) override;
  void UpdateRequestCredit();
  void UpdateResponseCredit();
  void GiveRest();
  bool BodyNotAskedFor() const noexcept;
  void BecomeTunnel(http::ResponseHead& head);
  void RelayTunnelEnd();
  void ReplyError(const base::Error& error);
  void SendReply(Reply& reply);
  // Every final head leaves through here: the route's changes are on our own answers, too.
  void SendHead(http::ResponseHead& head, base::End end);
  bool EndGrpcResponse(const base::Error& error);

  base::Instant now() const noexcept { return services_.worker.now; }

  ExchangeServices& services_;
  base::Arena arena_;
  std::optional<http::RequestHead> request_;
  base::SlabRef head_slab_;
  DownstreamStream* stream_ = nullptr;
  Forwarder forwarder_;
  RouteHold route_;
  FilterRun filters_;
  RequestRecord record_;
  RequestDeadlines deadlines_;
  base::Timer timer_;
  State state_ = State::kFree;
  Progress progress_ = Progress::kNone;
  bool request_ended_ = false;  // the client's side is complete
  bool client_gone_ = false;
  size_t buffer_bytes_ = 0;
  base::IpAddress client_;        // behind trusted proxies
  std::string_view set_cookie_;   // of a new sticky user
  std::string_view hash_cookie_;  // of a client without the cookie that its upstream hashes
  base::Chain outgoing_;          // storage for what leaves within one call
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
