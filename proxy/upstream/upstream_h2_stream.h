// One request on an HTTP/2 connection to an endpoint: an attempt's sending half, and what its session tells of it.
// Owned by its connection, which keeps it for the next request when the session has forgotten it.
// One thread: the worker's. Tells its attempt of events from the loop only.
//
//   state     | event                                          | next
//   ----------+------------------------------------------------+-------------------------------------------------
//   kFree     | Lease                                          | kLeased
//   kLeased   | SendHead                                       | kOpen; kHeld: an upgrade before the peer's SETTINGS
//   kHeld     | SETTINGS with extended CONNECT                 | kOpen
//   kHeld     | SETTINGS without (the attempt is told)         | kHeld, until Release
//   kLeased, kHeld | Release                                   | kFree
//   kOpen     | Release; the session knows the stream          | kParting (reset unless both messages are complete)
//   kOpen     | Release; closed, or the connection is lost     | kFree
//   kParting  | closed, or the connection is lost              | kFree
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/end.h"
#include "base/intrusive_list.h"
#include "http/h2/stream.h"
#include "proxy/upstream/attempt.h"

namespace headgate::proxy {

class UpstreamH2Connection;

struct StreamTag {};         // leased, parting or free ones of a connection
struct UpstreamReadyTag {};  // those that the next turn looks at although the session has no news of them
struct UnsentTag {};         // those of whose frames the kernel took nothing yet
struct GrantTag {};          // those whose attempts hear of it at the turn's end

class UpstreamH2Stream final : public UpstreamStream,
                               public http::h2::Stream,
                               public base::ListNode<StreamTag>,
                               public base::ListNode<UpstreamReadyTag>,
                               public base::ListNode<UnsentTag>,
                               public base::ListNode<GrantTag> {
 public:
  explicit UpstreamH2Stream(UpstreamH2Connection& connection) noexcept : connection_(connection) {}

  // From free: it is the attempt's.
  void Lease(Attempt& attempt) noexcept;
  // Null: nobody's, it is parting or free.
  Attempt* attempt() const noexcept { return attempt_; }
  bool held() const noexcept { return state_ == State::kHeld; }

  void SendHead(const http::RequestHead& head, base::End end, bool upgrade) override;
  void SendBody(base::Chain& data, base::End end) override;
  void SendTrailers(const http::HeaderMap& trailers) override;
  size_t queued() const noexcept override { return http::h2::Stream::queued(); }
  void SetResponseCredit(size_t bytes) override;
  void Release() override;

  // ---- for the connection, from the loop ----
  // Looks at the session's news.
  void OnNews();
  // Tells the attempt of everything that is there, as far as its credit goes.
  void Digest();
  // The whole response is here: the attempt needs the connection no more.
  bool whole() const noexcept;
  // The connection is lost; `error` says why, and whether it is worth a retry is the stream's matter.
  void Lose(base::Error error);
  void MarkSent() noexcept;
  // The session has forgotten it, or never knew it.
  void BecomeFree() noexcept { state_ = State::kFree; }

 private:
  enum class State : uint8_t { kFree, kLeased, kHeld, kOpen, kParting };

  void Submit(const http::RequestHead& head, base::End end);
  void EndWithData();
  void OnSettings();
  // Each says whether the same lease goes on.
  bool TakeHeads();
  bool TakeHead(http::ResponseHead& head);
  bool Deliver();
  void BecomeTunnel(http::ResponseHead& head);
  void FailClosed();
  void Fail(const base::Error& error);
  bool mute() const noexcept { return state_ != State::kOpen || over_ || closed() || (upgrade_ && !tunnel_); }

  UpstreamH2Connection& connection_;
  State state_ = State::kFree;
  bool upgrade_ = false;         // asked for
  bool tunnel_ = false;          // and granted
  bool refused_ = false;         // the session takes no more streams
  bool early_ = false;           // submitted before the peer's limit was known
  bool has_body_ = false;        // bytes of the request's body were given
  bool end_given_ = false;       // by SendBody
  bool over_ = false;            // the attempt was told of its failure
  bool head_delivered_ = false;  // the final one
  bool response_ended_ = false;  // all of it was told
  uint8_t interim_ = 0;
  uint64_t leases_ = 0;  // tells a lease from the next one, which may begin within an event of the one before
  size_t credit_ = 0;
  Attempt* attempt_ = nullptr;
  const http::RequestHead* request_ = nullptr;  // the exchange's; from SendHead to Release
};

}  // namespace headgate::proxy
