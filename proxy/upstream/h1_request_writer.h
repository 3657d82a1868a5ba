// The sending half of an HTTP/1.1 upstream connection: a request's head, body and framing as one queue of slices.
// Owned by a connection; holds slabs only while a request is being sent.
// One thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/end.h"
#include "base/slab.h"
#include "http/message.h"
#include "proxy/net/transport.h"

namespace headgate::proxy {

class H1RequestWriter {
 public:
  explicit H1RequestWriter(base::SlabPool& pool) noexcept : pool_(pool) {}

  // `end`: no body follows. An upgrade's message is its head alone (RFC 9110 7.8); `websocket_key` is added to it
  // unless it is empty.
  void Start(const http::RequestHead& head, base::End end, bool upgrade, std::string_view websocket_key);
  // Takes all of `data`. Bytes beyond an announced length are dropped and the message counts as broken.
  void Body(base::Chain& data, base::End end);
  void Trailers(const http::HeaderMap& trailers);
  // From now on raw bytes; the end becomes a FIN once the queue is empty.
  void StartTunnel() noexcept;

  // Writes what the kernel takes; kOk when nothing is left.
  net::IoResult Flush(net::Transport& transport) noexcept;
  // The peer takes no more: what is queued is dropped, and what is still given too.
  void Abort() noexcept;

  bool started() const noexcept { return state_ != State::kIdle; }
  bool empty() const noexcept { return out_.empty(); }
  bool aborted() const noexcept { return state_ == State::kAborted; }
  // A whole, well-framed message, or all of a tunnel's side, was handed to the kernel.
  bool complete() const noexcept {
    return (state_ == State::kComplete || state_ == State::kTunnelEnded) && out_.empty();
  }
  // Body bytes that are queued.
  size_t queued() const noexcept { return body_bytes_ < out_.size() ? body_bytes_ : out_.size(); }
  // Forgets the message and gives the slabs back.
  void Reset() noexcept;

 private:
  enum class State : uint8_t { kIdle, kBody, kComplete, kTunnel, kTunnelEnded, kAborted };

  void AppendHandshake(std::string_view websocket_key, bool with_version);
  void EndMessage();
  void AppendChunkHeader(size_t bytes);
  void LimitToLength(base::Chain& data);

  base::SlabPool& pool_;
  State state_ = State::kIdle;
  http::BodyKind kind_ = http::BodyKind::kNone;
  bool broken_ = false;     // the body was not as long as announced
  bool shut_down_ = false;  // the FIN was sent
  uint64_t remaining_ = 0;  // of a body with a length
  base::Chain out_;
  size_t body_bytes_ = 0;  // of those in out_; framing is counted when in doubt
  base::SlabRef text_;     // the head and the chunks' framing
  size_t text_used_ = 0;
};

}  // namespace headgate::proxy
