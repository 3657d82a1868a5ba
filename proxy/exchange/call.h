// A request of the process's own to one cluster: no client, no route, no filters. The answer is told as it comes.
// Owned by whoever asks; serves one request after the other.
// One thread: the worker's. Another thread asks by WorkerSet::Ask.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/end.h"
#include "base/timer_wheel.h"
#include "http/message.h"
#include "proxy/context/worker_context.h"
#include "proxy/exchange/forwarder.h"

namespace headgate::proxy {

// Told from the loop, never from inside a call.
class CallEvents {
 public:
  // The final head; valid until OnCallDone.
  virtual void OnAnswerHead(const http::ResponseHead& head) = 0;
  // Body bytes, which are the owner's to keep.
  virtual void OnAnswerBody(base::Chain& data) = 0;
  // The answer came in full (code kNone), or there is none, or it is cut. The call may be used again or destroyed.
  virtual void OnCallDone(const base::Error& error) = 0;

 protected:
  ~CallEvents() = default;
};

struct CallLimits {
  base::Duration deadline = std::chrono::seconds(5);  // from Begin to the answer's last byte
  size_t answer_bytes_max = 64 * 1024;                // of the body
};

class Call final : private ForwarderEvents {
 public:
  Call(WorkerContext& worker, CallEvents& events);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  // Cancels.
  ~Call() { Cancel(); }

  // An empty head (GET, HTTP/1.1) to be filled before Begin; text lives in arena() or longer than the call.
  http::RequestHead& NewHead();
  base::Arena& arena() noexcept { return arena_; }
  // Asks with NewHead's head. `body` is all of it (left empty); what it refers to outlives the call.
  void Begin(Cluster& cluster, const CallLimits& limits, base::Chain& body);
  // The answer is no longer wanted; nothing is told any more.
  void Cancel() noexcept;

  // Of the last request, until NewHead: the endpoint that was asked last (empty: none was), and its connection's TLS
  // ("TLSv1.3"; empty: plain, or there was none).
  std::string_view endpoint() const noexcept { return endpoint_; }
  std::string_view tls_version() const noexcept { return tls_version_; }

 private:
  void OnInterimResponse(http::ResponseHead&) override {}
  void OnResponseHead(http::ResponseHead& head, base::End end) override;
  void OnResponseBody(base::Chain& data, base::End end, const http::HeaderMap* trailers) override;
  void OnRequestRoom() override {}
  void OnForwardFailed(const base::Error& error) override;
  void OnTimer();
  void Stop(metrics::UpstreamResult result) noexcept;
  void Done(metrics::UpstreamResult result, const base::Error& error);

  WorkerContext& worker_;
  CallEvents& events_;
  base::Arena arena_;
  std::optional<http::RequestHead> head_;
  Forwarder forwarder_;
  base::Timer timer_;
  base::Error refused_;  // found in Begin, told by the timer
  size_t answer_bytes_left_ = 0;
  uint16_t status_ = 0;
  bool running_ = false;
  std::string_view endpoint_;
  std::string_view tls_version_;
};

}  // namespace headgate::proxy
