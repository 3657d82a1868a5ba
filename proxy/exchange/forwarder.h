// One request to one cluster, until an answer is through or no attempt is left: attempts, replay, retries, their
// budgets and deadlines. Knows no client: an Exchange relays for one, a Call asks for the process itself. Part of its
// owner, and used for one request at a time. One thread: the worker's.
//
//   kIdle --Begin--> kConnecting --connection--> kAwaitingHead --head--> kAnswering --End--> kOver
//                      ^    | failed                | failed, late,        | failed, late
//                      |    v                       v a status to retry    v
//                   kBackoff <-------yes------ DecideRetry ------no----> kOver
//
// End leads to kOver from everywhere. After a 101 kAnswering is a tunnel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/end.h"
#include "base/timer_wheel.h"
#include "http/message.h"
#include "metrics/reasons.h"
#include "proxy/context/worker_context.h"
#include "proxy/exchange/deadlines.h"
#include "proxy/upstream/attempt.h"
#include "proxy/upstream/cluster.h"
#include "routing/policy/retry.h"

namespace headgate::proxy {

// What is forwarded, and by which rules. What it points to stays as it is until the forwarder is reset.
struct ForwardRequest {
  Cluster* cluster = nullptr;
  http::RequestHead* head = nullptr;  // final; expect_continue is set anew for each attempt
  const routing::RetryPolicy* retry = nullptr;
  uint64_t hash = 0;                              // chooses the endpoint where the upstream hashes; 0: anyone
  base::Instant deadline = base::Instant::max();  // its owner's: no retry begins later
  base::Duration attempt_timeout{0};              // of each attempt, its response's body included; 0: none
  base::Duration idle_timeout{0};                 // while the head is awaited; 0: none
  size_t buffer_bytes = 64 * 1024;                // held in each direction
  uint32_t head_bytes_max = 64 * 1024;            // of the response
  bool ended = false;                             // the body is complete: there is none
  bool h2 = false;                                // the upstream speaks HTTP/2: trailers always reach it
};

// What the owner is told. It may end and reset the forwarder inside every one of them but OnInterimResponse.
class ForwarderEvents {
 public:
  // A 1xx head but 101; valid during the call.
  virtual void OnInterimResponse(http::ResponseHead& head) = 0;
  // The final head (101 only if asked for): no further attempt follows. It is valid until End. `end`: no body comes,
  // and the owner calls End.
  virtual void OnResponseHead(http::ResponseHead& head, base::End end) = 0;
  // Body bytes within the credit; `trailers` may come with the end (null otherwise). `end`: the owner calls End, in a
  // tunnel once its own side has ended too.
  virtual void OnResponseBody(base::Chain& data, base::End end, const http::HeaderMap* trailers) = 0;
  // room() may have grown.
  virtual void OnRequestRoom() = 0;
  // No answer will come, or its rest will not; the forwarder is over. May come from inside Begin.
  virtual void OnForwardFailed(const base::Error& error) = 0;

 protected:
  ~ForwarderEvents() = default;
};

class Forwarder final : private AttemptEvents {
 public:
  // `arena` holds response heads and text; it lives as long as the request.
  Forwarder(WorkerContext& worker, base::Arena& arena, ForwarderEvents& events);
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  void Begin(const ForwardRequest& request);
  // The request's body (all of `data`, which is left empty), within room(); in a tunnel raw bytes. `trailers` may come
  // with the end, and live as long as the request.
  void SendBody(base::Chain& data, base::End end, const http::HeaderMap* trailers);
  // How much more of the request's body is taken.
  size_t room() const noexcept;
  // Bytes of the body that the kernel has not taken.
  size_t queued() const noexcept { return upstream_ != nullptr ? upstream_->queued() : 0; }
  // From now on at most `bytes` of the response's body are told.
  void SetResponseCredit(size_t bytes) {
    if (upstream_ != nullptr) upstream_->SetResponseCredit(bytes);
  }
  // The answer takes its time (an event stream): only the owner's deadlines hold.
  void StopAttemptClock() noexcept { attempt_deadline_ = base::Instant::max(); }
  // Ends the request for good: its connection goes back or is closed, its result is counted. Nothing is told any more.
  // Without effect when it is over.
  void End(metrics::UpstreamResult result);
  // Gives back what it holds of the cluster's budgets, and forgets everything; after End.
  void Reset() noexcept;

  bool connecting() const noexcept { return state_ == State::kConnecting; }
  bool over() const noexcept { return state_ == State::kOver; }
  // The client of an `Expect: 100-continue` was told to send its body.
  bool continue_sent() const noexcept { return continue_sent_; }

  // For the log: how many endpoints were asked, and the last one; empty: none was chosen.
  uint32_t attempts() const noexcept { return attempts_; }
  std::string_view endpoint() const noexcept { return endpoint_text_; }
  // Of the last attempt's connection: "TLSv1.3"; empty: plain, or there was none.
  std::string_view tls_version() const noexcept { return attempt_ ? attempt_->tls_version : std::string_view(); }
  // From the request's leaving to the response's head; negative: none came.
  base::Duration head_time() const noexcept { return head_time_; }
  // From the turn's begin to the first attempt's leaving.
  base::Duration overhead() const noexcept { return overhead_; }

 private:
  enum class State : uint8_t { kIdle, kConnecting, kBackoff, kAwaitingHead, kAnswering, kOver };

  void SetState(State state) noexcept;
  void BeginAttempt();
  void SendRequest(UpstreamStream& stream);
  void SendWaitingBody();
  void Send(base::Chain& data);
  void EndAttempt(metrics::UpstreamResult result);
  void AttemptFailed(const base::Error& error);
  void Fail(const base::Error& error);
  bool TryAgain(const base::Error& error, uint16_t status, metrics::UpstreamResult result);
  bool TakeRetryBudget();
  void KeepForReplay(const base::Chain& data);
  void OnContinue(http::ResponseHead& head);
  bool AwaitsBody() const noexcept;
  void OnTimer();
  void ArmTimer();

  void OnConnected(UpstreamStream& stream) override { SendRequest(stream); }
  void OnAttemptFailed(const base::Error& error) override;
  void OnInterimResponse(http::ResponseHead& head) override;
  void OnResponseHead(http::ResponseHead& head, base::End end) override;
  void OnResponseBody(base::Chain& data, base::End end, const http::HeaderMap* trailers) override;
  void OnRequestFlushed() override;

  base::Instant now() const noexcept { return worker_.now; }

  WorkerContext& worker_;
  base::Arena& arena_;
  ForwarderEvents& events_;
  ForwardRequest request_;
  State state_ = State::kIdle;

  std::optional<Attempt> attempt_;
  UpstreamStream* upstream_ = nullptr;
  uint32_t attempts_ = 0;
  uint32_t retries_ = 0;
  bool stale_retry_done_ = false;
  bool retry_budget_taken_ = false;

  // The body on its way: what waits for a connection, and what a retry would need again.
  base::Chain waiting_body_;
  base::Chain replay_;
  base::Chain outgoing_;  // storage for what leaves within one call
  const http::HeaderMap* trailers_ = nullptr;
  bool replayable_ = true;
  bool awaiting_continue_ = false;  // the client waits for a 100
  bool continue_sent_ = false;
  bool answer_ended_ = false;  // while a tunnel's other side goes on

  // Deadlines; Instant::max() is none.
  base::Timer timer_;
  base::Instant attempt_deadline_ = base::Instant::max();
  base::Instant continue_deadline_ = base::Instant::max();
  base::Instant backoff_deadline_ = base::Instant::max();
  IdleClock idle_;

  std::string_view endpoint_text_;
  base::Instant request_sent_{};
  base::Duration head_time_{-1};
  base::Duration overhead_{0};
};

}  // namespace headgate::proxy
