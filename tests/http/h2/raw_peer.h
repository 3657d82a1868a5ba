// A session and the frames that it answers with to bytes written by hand.
// On the test's stack.
// One thread.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/http/h2/frames.h"
#include "tests/http/h2/peers.h"

namespace headgate::http::h2 {

struct RawPeer : Peer {
  using Peer::Peer;
  // Bytes of all produced frames, kept by `frames`.
  void Drain() {
    for (ParsedFrame& frame : ParseFrames(Produce())) frames.push_back(std::move(frame));
  }
  bool Say(std::string_view bytes, size_t piece = base::kSlabBytes) {
    const bool alive = Feed(bytes, piece);
    Drain();
    return alive;
  }
  std::optional<H2Error> CodeOf(FrameType type, int32_t id, size_t at) const {
    for (const ParsedFrame& frame : frames) {
      if (frame.type == type && frame.id == id) return static_cast<H2Error>(frame.number(at));
    }
    return std::nullopt;
  }
  std::optional<H2Error> ResetOf(int32_t id) const { return CodeOf(kRstStream, id, 0); }
  std::optional<H2Error> GoawayCode() const { return CodeOf(kGoaway, 0, 4); }
  size_t Count(FrameType type) const {
    return static_cast<size_t>(
        std::count_if(frames.begin(), frames.end(), [type](const ParsedFrame& frame) { return frame.type == type; }));
  }

  std::vector<ParsedFrame> frames;
};

// A server's session whose client has said hello.
struct RawServer : RawPeer {
  explicit RawServer(const SessionConfig& config = ServerConfig(), bool acknowledge = true) : RawPeer(config) {
    Feed(Preface());
    if (acknowledge) Feed(Frame(kSettingsFrame, kAck, 0));
    Drain();
  }
};

// A client's session with a request under way on stream 1, whose server has said hello.
struct RawClient : RawPeer {
  explicit RawClient(Method method = Method::kGet, const SessionConfig& config = ClientConfig())
      : RawPeer(config), arena(pool), head(arena) {
    Feed(Frame(kSettingsFrame, 0, 0));
    head.method = method;
    head.authority = "example.com";
    head.path = "/";
    Request(head);
    Drain();
  }

  base::Arena arena;
  RequestHead head;
};

}  // namespace headgate::http::h2
