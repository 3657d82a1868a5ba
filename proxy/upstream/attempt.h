// One try to get a request answered by one endpoint: from asking a cluster for a connection to the response's end.
// An Attempt is part of its exchange and used for one try at a time; while it waits it is in the cluster's queue.
// One thread: the worker's. Events come from the loop, never from inside a call that the exchange made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "base/clock.h"
#include "base/end.h"
#include "base/error.h"
#include "base/intrusive_list.h"
#include "base/slab.h"
#include "http/message.h"
#include "proxy/shared/upstream_shared.h"

namespace headgate::proxy {

class Cluster;

// The sending half of an attempt that has its connection. One implementation per upstream protocol.
class UpstreamStream {
 public:
  // Writes the head (headers final, Host and framing from the model). `end`: there is no body. `upgrade`: ask for the
  // websocket protocol. Whatever follows in the same turn may leave in one write.
  virtual void SendHead(const http::RequestHead& head, base::End end, bool upgrade) = 0;
  // Queues body bytes (all of `data`, which is left empty) and sends what the kernel takes. In a tunnel: raw bytes;
  // `end` ends our side.
  virtual void SendBody(base::Chain& data, base::End end) = 0;
  virtual void SendTrailers(const http::HeaderMap& trailers) = 0;  // ends the request
  // Body bytes given to SendBody that the kernel has not taken yet.
  virtual size_t queued() const noexcept = 0;
  // From now on at most `bytes` of the response's body (or the tunnel) may be delivered.
  virtual void SetResponseCredit(size_t bytes) = 0;
  // The exchange wants no more: the connection is closed unless both messages are complete. No event follows, and
  // the stream must not be used again.
  virtual void Release() = 0;

 protected:
  ~UpstreamStream() = default;
};

// What the exchange is told. After OnAttemptFailed and after the call that carries `end` the attempt is over; the
// exchange still calls Release (within the event or later in the turn).
class AttemptEvents {
 public:
  // A connection was found after a wait: the same as a value from Cluster::Begin.
  virtual void OnConnected(UpstreamStream& stream) = 0;
  virtual void OnAttemptFailed(const base::Error& error) = 0;
  // 1xx other than 101 (RFC 9110 15.2); at most kInterimResponsesMax. The head is valid during the call.
  virtual void OnInterimResponse(http::ResponseHead& head) = 0;
  // The final head, in the attempt's arena and the slab the attempt holds until Release. A 101 only when asked for.
  virtual void OnResponseHead(http::ResponseHead& head, base::End end) = 0;
  // Body bytes; never more than the credit. `trailers` may come with the end (null otherwise).
  virtual void OnResponseBody(base::Chain& data, base::End end, const http::HeaderMap* trailers) = 0;
  // queued() went down: more of the request may be sent.
  virtual void OnRequestFlushed() = 0;

 protected:
  ~AttemptEvents() = default;
};

struct PendingTag {};

class Attempt : public base::ListNode<PendingTag> {
 public:
  Attempt(AttemptEvents& told, base::Arena& head_arena) noexcept : events(told), arena(head_arena) {}

  // Set by the exchange before Begin.
  AttemptEvents& events;
  base::Arena& arena;  // for the response's head
  http::Method method = http::Method::kGet;
  uint32_t upstream_head_bytes = 64 * 1024;
  const EndpointShared* avoid = nullptr;  // the endpoint of the attempt before, if there is another
  uint64_t hash = 0;                      // of policies that hash; 0: any endpoint
  bool fresh_connection = false;          // do not take an idle one (the retry of a stale reuse)

  // Set by the cluster.
  const EndpointShared* wanted = nullptr;  // its hash's: no connection to another one will do; null: any
  EndpointShared* endpoint = nullptr;      // who answers; owned by the connection's endpoint set
  std::string_view tls_version;            // of the connection: "TLSv1.3"; empty for plain
  bool reused = false;                     // the connection had served before
  bool any_byte_sent = false;              // the kernel took a byte of this request
  bool any_byte_received = false;          // a byte of its response came
  Cluster* waiting_in = nullptr;           // while it waits for a connection
  base::Instant waiting_since{};           // the same
};

}  // namespace headgate::proxy
