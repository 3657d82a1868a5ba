// An upstream that speaks HTTP/2 as the test tells it: a server's session on an accepted connection, or frames by hand.
// Owned by a test.
// One thread: the test's. Pump reads what is there, never waits.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/clock.h"
#include "base/slab.h"
#include "http/h2/session.h"
#include "tests/proxy/upstream/scripted_upstream.h"

namespace headgate::proxy {

// A request as the upstream sees it.
class H2PeerStream final : public http::h2::Stream {
 public:
  explicit H2PeerStream(base::SlabPool& slabs) : arena(slabs), head(arena) {
    ResetStream(arena, http::Method::kGet);
    request = &head;
  }
  std::string Field(std::string_view name) const;

  base::Arena arena;
  http::RequestHead head;
  bool has_head = false;
  bool answered = false;
  bool ended = false;
  bool gone = false;
  http::h2::H2Error reset{};  // by the proxy
  std::string body;
  std::string trailer;  // "name: value"
};

class H2Peer final : public http::h2::StreamSource {
 public:
  explicit H2Peer(std::unique_ptr<ScriptedPeer> accepted, uint32_t streams_max = 100);
  ~H2Peer();

  void Pump();
  // Whether that many requests have come in all.
  bool Has(size_t requests) {
    Pump();
    return streams.size() >= requests && streams[requests - 1]->has_head;
  }
  // A head with one field, or none.
  void Head(size_t index, uint16_t status, bool end, std::string_view name = {}, std::string_view value = {});
  void Interim(size_t index, uint16_t status);
  void Body(size_t index, std::string_view text, bool end);
  void Trailer(size_t index, std::string_view name, std::string_view value);
  // 200 with a body.
  void Answer(size_t index, std::string_view text = "ok");
  void Reset(size_t index, http::h2::H2Error code);
  // A frame that the session knows nothing of (RFC 9113 4.1).
  void Raw(uint8_t type, uint8_t flags, uint32_t id, std::string_view payload);
  void Goaway(uint32_t last_id);
  ScriptedPeer& socket() noexcept { return *socket_; }

  std::vector<std::unique_ptr<H2PeerStream>> streams;  // in the order of their arrival
  bool refuse = false;                                 // REFUSED_STREAM for whoever comes
  bool hold_bodies = false;                            // gives no credit for request bodies
  bool silent = false;                                 // reads, but says nothing
  size_t pings = 0;                                    // that came in reads of their own
  bool at_end = false;                                 // the proxy ended the connection

 private:
  http::h2::Stream* NewStream(int32_t id) override;
  void Flush();
  void Send(std::string_view bytes);

  base::SlabPool slabs_;
  base::BlockPool blocks_{0};
  base::Instant now_{};
  std::unique_ptr<ScriptedPeer> socket_;
  std::unique_ptr<http::h2::Session> session_;
};

}  // namespace headgate::proxy
