// One request's place on a client's connection, as its exchange sees it; the same for every protocol.
// Implemented by a connection (HTTP/1: itself) or by one of its streams; lends itself to one exchange at a time.
// One thread: the worker's. The exchange is never called back from inside a call that it made.
#pragma once

#include <cstddef>

#include "base/end.h"
#include "base/slab.h"
#include "http/message.h"
#include "proxy/context/client_info.h"

namespace headgate::proxy {

class DownstreamStream {
 public:
  virtual const ClientInfo& client() const noexcept = 0;
  // A 1xx head; only between the request's head and the response's.
  virtual void SendInterim(http::ResponseHead& head) = 0;
  // The response's head; framing is chosen from `head.body` and the client's version. `end`: no body follows.
  virtual void SendHead(http::ResponseHead& head, base::End end) = 0;
  // Queues all of `data` (left empty). After a 101: raw bytes, `end` ends our side.
  virtual void SendBody(base::Chain& data, base::End end) = 0;
  virtual void SendTrailers(const http::HeaderMap& trailers) = 0;  // ends the response
  // The response cannot be completed: the client must see that (no final chunk, RST). The exchange is over.
  virtual void Abort() = 0;
  // Bytes given to Send* that the kernel has not taken.
  virtual size_t queued() const noexcept = 0;
  // From now on at most `bytes` of the request's body may be delivered. 0 stops reading and the body's clock.
  virtual void SetRequestCredit(size_t bytes) = 0;
  // A body's progress is no longer the client's duty (a response has begun, a tunnel): its clock stops for good.
  virtual void StopBodyClock() = 0;
  // What is left of the request's body is not wanted: the stream drains or refuses it when the response is out.
  virtual void DiscardRequestBody() = 0;
  // The connection must not be used for another request.
  virtual void CloseAfterResponse() = 0;
  // The exchange is finished and goes back to its pool; what it lent (text in its arena) is gone after this call.
  virtual void OnExchangeDone() = 0;

 protected:
  ~DownstreamStream() = default;
};

}  // namespace headgate::proxy
