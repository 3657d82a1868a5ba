// One HTTP/2 connection without its socket (RFC 9113, RFC 7541): bytes in, news of streams out; heads and bodies in,
// frames out. Hides nghttp2. The same for a server (downstream) and a client (upstream).
// Owned by a connection. Sans-I/O: Feed, then Next until it is null, then Produce, then Next again.
// One thread. Calls nobody back but StreamSource, from within Feed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/block_pool.h"
#include "base/clock.h"
#include "base/end.h"
#include "base/intrusive_list.h"
#include "base/slab.h"
#include "http/h1/decoder.h"
#include "http/h2/abuse_guard.h"
#include "http/h2/error_code.h"
#include "http/h2/frame_watch.h"
#include "http/h2/head_reader.h"
#include "http/h2/limits.h"
#include "http/h2/stream.h"
#include "http/message.h"

struct nghttp2_session;

namespace headgate::http::h2 {

class HeadWriter;

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
  // `source` is null for a client. `blocks` is where nghttp2 allocates. `now` is read when events are counted; it must
  // outlive the session, as the pools must.
  Session(const SessionConfig& config, StreamSource* source, base::SlabPool& slabs, base::BlockPool& blocks,
          const base::Instant& now);
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
  bool has_news() const noexcept { return !news_.empty(); }
  // Moves at most `bytes` of what was received to `to` and gives the peer credit for it (RFC 9113 5.2.2).
  void TakeBody(Stream& stream, base::Chain& to, size_t bytes);
  // Received bytes of this stream are not wanted any more: dropped, and credited at once; so are those to come.
  // Trailers are judged, but its arena is not touched from here on.
  void DiscardBody(Stream& stream);

  // ---- out ----
  // Client: begins a stream. `end`: no body. `connect_protocol`: extended CONNECT for websocket (RFC 8441).
  // False: the session takes no more streams (GOAWAY, ids used up).
  bool SubmitRequest(Stream& stream, const RequestHead& head, Scheme scheme, base::End end, bool connect_protocol);
  // Server. `date`: added when the head has none. A 101 is written as 200 (RFC 8441 5). `end`: no body follows.
  void SubmitInterim(Stream& stream, const ResponseHead& head);
  void SubmitResponse(Stream& stream, const ResponseHead& head, std::string_view date, base::End end);
  // Queues all of `data` (left empty).
  void SendBody(Stream& stream, base::Chain& data, base::End end);
  // Ends the message. `trailers` must live until the stream's local_ended().
  void SendTrailers(Stream& stream, const HeaderMap& trailers);
  // Server: END_STREAM waits until ReleaseEnd is called (the request's body is still coming); with `reset` it is
  // followed by RST_STREAM(NO_ERROR) (RFC 9113 8.1), at once where it has left already.
  void HoldEnd(Stream& stream) noexcept { stream.hold_end_ = true; }
  void ReleaseEnd(Stream& stream, bool reset);
  // RST_STREAM. kClosed news follows when it is in the output.
  void Reset(Stream& stream, H2Error code);
  // Appends frames to `to`, about `bytes_max` at most. Slices without an owner are copied.
  void Produce(base::Chain& to, size_t bytes_max);
  bool wants_write() const noexcept;
  // So much waits to be written that nothing should be read: an answer to it would have to wait as well.
  bool congested() const noexcept;

  // ---- the connection ----
  // Server: GOAWAY(2^31-1): the client should open no more streams here. FinalGoaway then says which were taken.
  void SubmitShutdownNotice();
  void SubmitFinalGoaway(H2Error code);
  // Client: a PING whose answer sets ping_acknowledged().
  void SubmitPing();
  bool ping_acknowledged() const noexcept { return ping_acknowledged_; }

  size_t streams() const noexcept { return streams_; }  // known to the session
  size_t held_bytes() const noexcept { return held_; }  // received and not taken
  // The peer has used up the connection's window: no stream can send DATA, whatever its own credit.
  bool peer_is_out_of_credit() const noexcept;
  // What the peer may still send on this stream without more credit.
  size_t CreditGiven(const Stream& stream) const noexcept;
  // The peer's window of this stream lets DATA through, whatever the connection's does.
  bool HasCredit(const Stream& stream) const noexcept;
  // A server's: requests refused with REFUSED_STREAM so far.
  uint64_t refused_streams() const noexcept { return refused_; }
  // A header block has begun and is not complete.
  bool in_head() const noexcept { return watch_.in_head(); }
  // Feed said false, or will: nothing is taken in any more.
  bool ended() const noexcept { return ended_; }
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
  friend struct Callbacks;
  friend class Stream;

  // Streams.
  void Open(Stream& stream, int32_t id);
  void Close(Stream& stream, H2Error code) noexcept;
  void CloseAll(H2Error code) noexcept;
  void Forget(Stream& stream) noexcept;
  Stream* Find(int32_t id) const noexcept;
  void Tell(Stream& stream) noexcept { news_.PushBack(stream); }
  void SubmitReset(Stream& stream, H2Error code);
  void FailMessage(Stream& stream, const base::Error& error, bool body);
  void FailBody(Stream& stream, const char* detail);

  // Received frames.
  void Receive(std::string_view bytes);
  void OnBeginHeaders(int32_t id, bool request);
  void OnBeginRequest(int32_t id);
  void OnHeaders(Stream& stream, bool end_stream, size_t block_bytes);
  void OnData(Stream* stream, std::string_view data);
  void OnDataFrame(const Stream& stream, size_t length) noexcept;
  void OnRemoteEnd(Stream& stream);
  void OnRemoteReset(Stream& stream, H2Error code);
  void OnBeginSettings() noexcept;
  void OnSettings(bool ack);
  void OnGoaway(int32_t last_id);
  void Count(Abuse kind);
  void CountProvokedReset();
  void EndForAbuse(Abuse kind);
  void End(H2Error code, const char* fault);

  // Credit (RFC 9113 5.2).
  void Hold(Stream& stream, std::string_view data);
  void Release(size_t bytes) noexcept;
  void CreditConnection() noexcept;
  void CreditStream(Stream& stream, size_t bytes);
  void GrowWindow(Stream& stream, size_t taken);

  // Sent frames.
  void FlushControl();
  void Run(base::Chain& to, size_t size_max);
  void Emit(std::string_view bytes);
  void EmitBody(Stream& stream, size_t size);
  bool IsFirstSettings(std::string_view frame) const noexcept;
  void EmitFirstSettings(std::string_view frame);
  void Resume(Stream& stream);
  void OnMessageFrameSent(int32_t id, bool end_stream, bool small);
  void OnResetSent(int32_t id, H2Error code);
  void OnGoawaySent(H2Error code);
  void OnNotSent(int32_t id, bool reset);

  const SessionConfig config_;
  StreamSource* source_;
  base::SlabPool& slabs_;
  const base::Instant& now_;
  const uint32_t window_;  // the connection's
  nghttp2_session* session_ = nullptr;
  AbuseGuard guard_;
  FrameWatch watch_;
  HeadReader reader_;
  std::unique_ptr<HeadWriter> writer_;  // hidden: it knows nghttp2's types
  base::IntrusiveList<Stream, NewsTag> news_;
  base::IntrusiveList<Stream::Link, OpenTag> open_;
  base::IntrusiveList<Stream::Link, OpenTag> closed_;  // those that still hold received bytes
  size_t streams_ = 0;
  size_t heads_ = 0;                      // bytes of heads kept for open streams
  size_t held_ = 0;                       // received and not taken
  size_t withheld_ = 0;                   // connection credit that is not given back yet
  uint64_t windows_ = 0;                  // of the open streams
  uint64_t received_ = 0;                 // on the wire
  uint64_t refused_ = 0;                  // requests
  const base::SlabRef* input_ = nullptr;  // within Feed: where the bytes lie
  base::SlabRef copies_;                  // of small pieces of DATA
  size_t copies_used_ = 0;

  base::Chain pending_;            // produced by Feed, for the next Produce
  base::Chain* output_ = nullptr;  // where frames go now
  size_t output_max_ = 0;          // its size from which on no more DATA goes there
  bool control_only_ = false;      // no DATA now
  base::SlabRef frames_;           // frames are copied here; several share it
  size_t frames_used_ = 0;

  size_t frames_before_settings_ = 0;  // in nghttp2's queue
  bool in_settings_ = false;           // such a frame has begun
  bool ping_acknowledged_ = false;
  bool settings_received_ = false;
  bool settings_acknowledged_ = false;
  bool settings_sent_ = false;
  bool goaway_received_ = false;
  bool goaway_submitted_ = false;
  bool ended_ = false;
  bool abused_ = false;
  Abuse abuse_ = Abuse::kResets;
  H2Error end_code_ = H2Error::kNoError;
  const char* fault_ = "";
};

}  // namespace headgate::http::h2
