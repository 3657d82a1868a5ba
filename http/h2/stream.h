// One stream as its session sees it: what came and was not taken yet, what waits to be sent. Downstream and upstream
// streams derive from it. Owned by a connection; the session knows it from NewStream or SubmitRequest until kClosed.
// One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "base/arena.h"
#include "base/error.h"
#include "base/intrusive_list.h"
#include "base/slab.h"
#include "http/h2/error_code.h"
#include "http/message.h"

struct nghttp2_rcbuf;

namespace headgate::http::h2 {

class Session;
struct NewsTag {};
struct OpenTag {};

class Stream : public base::ListNode<NewsTag> {
 public:
  // What happened since the stream was last returned by Session::Next; look at them in this order.
  struct News {
    bool head : 1 = false;    // a server's: request() is complete, head_error() says what is wrong with it
    bool heads : 1 = false;   // a client's: TakeResponse() has something
    bool body : 1 = false;    // bytes in received(), or the end
    bool sent : 1 = false;    // queued() went down
    bool closed : 1 = false;  // the session forgets the stream: see reset_by_peer(), reset_code()
  };
  const News& news() const noexcept { return news_; }
  void ClearNews() noexcept { news_ = {}; }

  int32_t id() const noexcept { return id_; }
  bool closed() const noexcept { return closed_; }
  bool reset_by_peer() const noexcept { return reset_by_peer_; }
  H2Error reset_code() const noexcept { return reset_code_; }  // of whoever reset it

  // A server's stream: where the request is decoded to; set by the owner in NewStream.
  RequestHead* request = nullptr;
  // A message of the peer broke the rules of RFC 9113 8.1.1: the session has reset the stream (PROTOCOL_ERROR);
  // nothing may be answered. head_error() or body_error() names the rule. Of a bad request there are head news, too.
  bool malformed() const noexcept { return malformed_; }
  // kNone: the head is good. Not malformed(): an answer is due (431, 414, 405, 501, 417).
  const base::Error& head_error() const noexcept { return head_error_; }
  // Content-length against DATA, barred trailers.
  const base::Error& body_error() const noexcept { return body_error_; }

  // A client's stream: the next response head, 1xx included, in the order of arrival; null: none. Lives in the arena.
  ResponseHead* TakeResponse() noexcept;

  // DATA that came and was not taken; take it with Session::TakeBody, which returns the credit.
  size_t received() const noexcept { return in_.size(); }
  bool remote_ended() const noexcept { return remote_ended_; }     // END_STREAM came; received() may still hold bytes
  uint64_t body_bytes() const noexcept { return body_received_; }  // of DATA in all, those that were discarded too
  // Of a message that ended with them; null: none.
  const HeaderMap* trailers() const noexcept { return trailers_; }

  // Bytes given to SendBody that are in no frame yet: the peer's windows and the socket decide when they leave.
  size_t queued() const noexcept { return out_.size(); }
  bool local_ended() const noexcept { return local_ended_; }  // END_STREAM is in the output
  // All of the message is in the output, but for the END_STREAM that HoldEnd keeps.
  bool only_end_held() const noexcept { return hold_end_ && out_end_ && deferred_; }

 protected:
  Stream() noexcept = default;
  // The session forgets it. If it was open it is cancelled.
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  // Ready for another life; not while it is open. `arena` is where heads and trailers are decoded to. A request's text
  // lives until the stream's next life or end, but not longer than the arena.
  void ResetStream(base::Arena& arena, Method method) noexcept;

 private:
  friend class Session;
  friend class HeadReader;
  struct PendingResponse {
    explicit PendingResponse(base::Arena& arena) noexcept : head(arena) {}
    ResponseHead head;
    PendingResponse* next = nullptr;
  };
  // Links it to the streams that its session knows.
  struct Link : base::ListNode<OpenTag> {
    explicit Link(Stream& owner) noexcept : stream(owner) {}
    Stream& stream;
  };

  void LeaveSession() noexcept;

  Link link_{*this};
  Session* session_ = nullptr;  // while it is open, or its received bytes count there
  News news_;
  int32_t id_ = 0;
  base::Arena* arena_ = nullptr;
  Method method_ = Method::kGet;  // of the request: what its response may have
  // In.
  base::Chain in_;
  base::Error head_error_;
  base::Error body_error_;
  HeaderMap* trailers_ = nullptr;
  PendingResponse* responses_ = nullptr;
  std::vector<nghttp2_rcbuf*> shared_;  // text of the head that HPACK's table has as well
  uint32_t interims_ = 0;               // 1xx that came
  uint64_t body_expected_ = 0;          // content-length
  uint64_t body_received_ = 0;
  size_t head_bytes_ = 0;  // charged to the session
  uint32_t window_ = 0;    // what the peer may send at most
  uint64_t flowed_ = 0;    // taken since the window last grew
  bool has_length_ = false;
  bool final_head_ = false;  // the request's head, or a response's that is not 1xx
  bool remote_ended_ = false;
  bool malformed_ = false;
  bool closed_ = true;
  bool reset_by_peer_ = false;
  bool reset_by_us_ = false;
  bool discard_ = false;
  H2Error reset_code_ = H2Error::kNoError;
  // Out.
  base::Chain out_;
  const HeaderMap* out_trailers_ = nullptr;
  bool out_end_ = false;   // nothing follows what is in out_
  bool deferred_ = false;  // nghttp2 was told that there is nothing
  bool hold_end_ = false;  // END_STREAM waits, whatever out_end_ says
  bool reset_after_end_ = false;
  bool local_ended_ = false;
};

}  // namespace headgate::http::h2
