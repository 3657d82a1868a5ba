// What a client said of its last streams, so that frames behind a stream's end are known as such (RFC 9113 5.1, 5.1.1).
// nghttp2 keeps no stream that is closed, and ignores what comes for it.
// Owned by a FrameWatch.
// One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "http/h2/error_code.h"

namespace headgate::http::h2 {

class StreamLog {
 public:
  // Each: the error that the frame is, or kNoError. Only what the client itself sent before counts: what crosses our
  // RST_STREAM or END_STREAM on its way is no mistake. Ids that are no client's are nghttp2's to judge.
  H2Error OnHeaders(uint32_t id, bool end_stream) noexcept;
  H2Error OnData(uint32_t id, bool end_stream) noexcept;
  void OnReset(uint32_t id) noexcept;

 private:
  enum class State : uint8_t { kUnused, kOpen, kEnded };
  static constexpr uint32_t kRemembered = 256;  // streams; nothing is said of older ones

  State& Of(uint32_t id) noexcept { return states_[id / 2 % kRemembered]; }
  bool known(uint32_t id) const noexcept { return id % 2 == 1 && id <= last_ && (last_ - id) / 2 < kRemembered; }
  void Begin(uint32_t id) noexcept;

  uint32_t last_ = 0;  // the highest id; 0: none
  std::array<State, kRemembered> states_{};
};

}  // namespace headgate::http::h2
