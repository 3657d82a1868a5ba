// Reads the frame headers that go to nghttp2 (RFC 9113 4.1): counts those that should be rare, and finds mistakes in
// frames that nghttp2 ignores without a word: unknown ones, and those for streams that are gone. Header blocks go
// through a HpackFilter. Owned by a session. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/clock.h"
#include "http/h2/abuse_guard.h"
#include "http/h2/error_code.h"
#include "http/h2/hpack_filter.h"
#include "http/h2/stream_log.h"

namespace headgate::http::h2 {

class FrameWatch {
 public:
  // Where the connection must end.
  struct Finding {
    size_t good = 0;  // bytes before the frame
    std::optional<Abuse> abuse;
    H2Error error = H2Error::kNoError;  // where it is no abuse
  };

  // `preface_bytes` come before the first frame: a client's magic (RFC 9113 3.4). 0: the peer is a server.
  explicit FrameWatch(size_t preface_bytes) noexcept : of_client_(preface_bytes > 0), left_(preface_bytes) {}

  // Looks at bytes as they arrive; those of header blocks may be changed.
  std::optional<Finding> Scan(std::span<char> bytes, AbuseGuard& guard, base::Instant now) noexcept;
  // A header block has begun and is not complete.
  bool in_head() const noexcept { return block_open_ || (is_block_ && left_ > 0); }

 private:
  static constexpr size_t kHeaderBytes = 9;
  static constexpr size_t kPriorityBytes = 5;             // of HEADERS
  static constexpr size_t kNeededMax = kHeaderBytes + 4;  // and the increment of a WINDOW_UPDATE

  uint32_t length() const noexcept;
  uint8_t type() const noexcept;
  uint8_t flags() const noexcept;
  size_t Needed() const noexcept;
  uint32_t id() const noexcept;
  std::optional<Abuse> Judge() noexcept;
  H2Error Fault() noexcept;
  bool Skip(std::span<char> bytes) noexcept;
  void BeginPayload() noexcept;
  std::optional<Abuse> JudgeData() const noexcept;
  std::optional<Abuse> JudgeContinuation() noexcept;
  bool is_small_window_update() const noexcept;

  const bool of_client_;
  StreamLog streams_;
  size_t left_;               // bytes to skip: of the preface, of a payload
  uint8_t read_[kNeededMax];  // of the frame that begins
  size_t read_size_ = 0;
  HpackFilter hpack_;
  size_t before_block_ = 0;  // of what is skipped: bytes before the header block's, and the block's
  size_t block_bytes_ = 0;
  bool is_block_ = false;    // the frame whose payload is skipped belongs to a header block
  bool block_open_ = false;  // CONTINUATION must follow
  size_t continuations_ = 0;
};

}  // namespace headgate::http::h2
