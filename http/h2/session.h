// One HTTP/2 connection without its socket (RFC 9113, RFC 7541): bytes in, news of streams out; heads and bodies in,
// frames out. Hides nghttp2. The same for a server (downstream) and a client (upstream).
// Owned by a connection. Sans-I/O: Feed, then Next until it is null, then Produce, then Next again.
// One thread. Calls nobody back but StreamSource, from within Feed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "base/intrusive_list.h"
#include "base/slab.h"
#include "http/h1/decoder.h"
#include "http/h2/abuse_guard.h"
#include "http/h2/error_code.h"
#include "http/h2/limits.h"
#include "http/h2/stream.h"
#include "http/message.h"

struct nghttp2_session;

namespace headgate::http::h2 {

enum class Role : uint8_t { kServer, kClient };

struct SessionConfig {
  Role role = Role::kServer;
  Scheme scheme = Scheme::kHttp;  // the transport's
  h1::HeadLimits head;            // of what the peer sends; `target_bytes` for requests only
  uint32_t streams_max = 100;     // server: announced; beyond it RST_STREAM(REFUSED_STREAM)
  uint32_t stream_window = kStreamWindowBytes;
  uint32_t held_bytes_max = kHeldBytesMax;
};

// Who makes a server's streams.
class StreamSource {
 public:
  // A request begins: a stream with `request` set, made ready with ResetStream. Null refuses it (REFUSED_STREAM).
  virtual Stream* NewStream(int32_t id) = 0;

 protected:
  ~StreamSource() = default;
};

class Session {
 public:
  // `source` is null for a client. `now` is read when events are counted; it must outlive the session.
  Session(const SessionConfig& config, StreamSource* source, base::SlabPool& slabs, const base::Instant& now);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // ---- in ----
  // Takes received bytes, which lie in `owner`'s slab; DATA is kept as slices of it. False: the connection broke the
  // rules or was ended for abuse. What Produce still gives (GOAWAY) should be sent, then the connection closed; the
  // streams that are left get kClosed news.
  bool Feed(const base::SlabRef& owner, std::string_view bytes);
  // The next stream with news, or null. It leaves the list; ClearNews is the caller's.
  Stream* Next() noexcept { return news_.PopFront(); }
  // Moves at most `bytes` of what was received to `to` and gives the peer credit for it (RFC 9113 5.2.2).
  void TakeBody(Stream& stream, base::Chain& to, size_t bytes);
  // Received bytes of this stream are not wanted any more: dropped, and credited at once; so are those to come.
  void DiscardBody(Stream& stream);

  // ---- out ----
  // Client: begins a stream. `end`: no body. `connect_protocol`: extended CONNECT for websocket (RFC 8441).
  // False: the session takes no more streams (GOAWAY, ids used up).
  bool SubmitRequest(Stream& stream, const RequestHead& head, Scheme scheme, bool end, bool connect_protocol);
  // Server. `date`: added when the head has none. A 101 is written as 200 (RFC 8441 5). `end`: no body follows.
  void SubmitInterim(Stream& stream, const ResponseHead& head);
  void SubmitResponse(Stream& stream, const ResponseHead& head, std::string_view date, bool end);
  // Queues all of `data` (left empty).
  void SendBody(Stream& stream, base::Chain& data, bool end);
  // Ends the message. `trailers` must live until the stream's local_ended().
  void SendTrailers(Stream& stream, const HeaderMap& trailers);
  // Server: END_STREAM waits until Release is called (the request's body is still coming); with `reset` it is followed
  // by RST_STREAM(NO_ERROR) (RFC 9113 8.1).
  void HoldEnd(Stream& stream) noexcept { stream.hold_end_ = true; }
  void ReleaseEnd(Stream& stream, bool reset);
  // RST_STREAM. kClosed news follows when it is in the output.
  void Reset(Stream& stream, H2Error code);
  // Appends frames to `to`, about `bytes_max` at most. Slices without an owner are copied.
  void Produce(base::Chain& to, size_t bytes_max);
  bool wants_write() const noexcept;

  // ---- the connection ----
  // Server: GOAWAY(2^31-1): the client should open no more streams here. FinalGoaway then says which were taken.
  void SubmitShutdownNotice();
  void SubmitFinalGoaway(H2Error code);
  // Client: a PING whose answer sets ping_acknowledged().
  void SubmitPing();
  bool ping_acknowledged() const noexcept { return ping_acknowledged_; }

  size_t streams() const noexcept { return streams_; }  // known to the session
  size_t held_bytes() const noexcept { return held_; }  // received and not taken
  // Client: how many streams the peer allows at once; whether it knows extended CONNECT; whether its SETTINGS came.
  uint32_t peer_streams_max() const noexcept;
  bool peer_connect_protocol() const noexcept;
  bool settings_received() const noexcept { return settings_received_; }
  // The peer sent GOAWAY: streams above this id were not and will not be processed; they get kClosed with
  // REFUSED_STREAM, reset by peer.
  bool goaway_received() const noexcept { return goaway_received_; }
  // Why Feed said false: an abuse, or a broken rule (a literal).
  bool ended_for_abuse() const noexcept { return abused_; }
  Abuse abuse() const noexcept { return abuse_; }
  const char* fault() const noexcept { return fault_; }

 private:
  struct Callbacks;
  friend class HeadReader;
  friend struct Callbacks;

  const SessionConfig config_;
  StreamSource* source_;
  base::SlabPool& slabs_;
  const base::Instant& now_;
  nghttp2_session* session_ = nullptr;
  AbuseGuard guard_;
  base::IntrusiveList<Stream, NewsTag> news_;
  size_t streams_ = 0;
  size_t held_ = 0;
  bool ping_acknowledged_ = false;
  bool settings_received_ = false;
  bool goaway_received_ = false;
  bool abused_ = false;
  Abuse abuse_ = Abuse::kResets;
  const char* fault_ = "";
};

}  // namespace headgate::http::h2
