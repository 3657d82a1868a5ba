// The access log's request-path side: one JSON line per request, formatted straight into a byte ring.
// A ring is owned by its worker; AccessLogWriter (access_log_writer.h) empties it and must be stopped before it goes.
// Write: the ring's one worker. Peek, Consume: the writer's thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/clock.h"
#include "base/rng.h"
#include "metrics/ids.h"
#include "metrics/shard.h"

namespace headgate::metrics {

// Views are read within Write and not kept. An empty view and a negative duration become null; code 0 (nothing was
// answered) becomes null.
struct AccessRecord {
  base::WallTime time;  // of the request's first byte
  std::string_view request_id;
  std::string_view client;  // address without port
  std::string_view method;
  std::string_view host;
  std::string_view path;      // without the query
  std::string_view query;     // without '?'; written only when asked
  std::string_view protocol;  // "HTTP/1.1"
  std::string_view route;
  std::string_view upstream;
  std::string_view endpoint;
  std::string_view reason;  // why, when it did not go well: a word of base::ErrorCodeName
  std::string_view detail;  // the exact rule or event behind the reason: base::Error::detail
  std::string_view tls;     // "TLSv1.3"; empty without TLS
  std::string_view user_agent;
  std::string_view referer;  // its query is left out unless asked
  std::string_view trace_id;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  base::Duration duration{-1};
  base::Duration upstream_duration{-1};
  uint32_t attempts = 0;
  uint16_t code = 0;
};

// What may change while rings are in use (a reload). Any thread writes, workers read.
class AccessLogSettings {
 public:
  // sample_ppm: 0 (off) to 1,000,000 (every request).
  void Set(uint32_t sample_ppm, bool query) noexcept {
    state_.store((uint64_t{sample_ppm} << 1U) | (query ? 1U : 0U), std::memory_order_relaxed);
  }
  uint32_t sample_ppm() const noexcept { return static_cast<uint32_t>(state_.load(std::memory_order_relaxed) >> 1U); }
  bool query() const noexcept { return (state_.load(std::memory_order_relaxed) & 1U) != 0; }

 private:
  std::atomic<uint64_t> state_{uint64_t{1'000'000} << 1U};
};

// How a ring rouses the thread that empties it: never for a line, only when that thread naps and there is reason to.
class AccessLogWaker {
 public:
  enum class State : uint8_t { kAwake, kNap, kAsleep };

  AccessLogWaker();
  AccessLogWaker(const AccessLogWaker&) = delete;
  AccessLogWaker& operator=(const AccessLogWaker&) = delete;
  ~AccessLogWaker();

  // The rings' side. A nap ends early for a ring that fills up, sleep for any line.
  void LineWritten(bool half_full) noexcept {
    const State state = state_.load(std::memory_order_relaxed);
    if (state == State::kAsleep || (state == State::kNap && half_full)) Wake();
  }
  void Wake() noexcept;
  // Also ends a wait that is about to begin.
  void WakeForSure() noexcept;
  // The thread's side. Returns when woken or after `timeout_ms`. A line written just before the sleep may not wake it:
  // the timeout bounds its wait, which is cheaper than a fence per line.
  void Wait(State state, int timeout_ms) noexcept;

 private:
  std::atomic<State> state_{State::kAwake};
  int event_;
};

class AccessLogRing {
 public:
  static constexpr size_t kSecondText = 19;     // 2026-11-21T15:04:05
  static constexpr size_t kLineMax = 8 * 1024;  // every field has a bound; together they stay below this

  // capacity: bytes, a power of two of at least 64 KiB. Lines that find no room are counted in `dropped` of the shard.
  AccessLogRing(size_t capacity, const AccessLogSettings& settings, Shard& shard, CounterId dropped);
  AccessLogRing(const AccessLogRing&) = delete;
  AccessLogRing& operator=(const AccessLogRing&) = delete;
  ~AccessLogRing();

  // False at once when the request is not in the sample; then there is no need to fill a record.
  bool Wanted() noexcept;
  // Never blocks, never allocates. Writes the line whether or not Wanted was asked.
  void Write(const AccessRecord& record) noexcept;

  // The reader's side: what is ready and contiguous, to be released in whole or in part. Lines end with '\n' and may go
  // on at the start of the ring; size() counts whole lines only.
  std::string_view Peek() const noexcept;
  void Consume(size_t bytes) noexcept;
  size_t size() const noexcept { return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_relaxed); }
  // Whether the next line may find no room.
  bool IsFull() const noexcept { return size() + kLineMax > capacity_; }
  // Null detaches. The waker outlives the ring or is detached by the ring's worker or after it.
  void set_waker(AccessLogWaker* waker) noexcept { waker_.store(waker, std::memory_order_release); }

 private:
  bool HasRoom(uint64_t tail) noexcept;
  char* Format(const AccessRecord& record, char* out) noexcept;
  char* FormatTime(base::WallTime time, char* out) noexcept;

  const size_t capacity_;
  std::unique_ptr<char[]> bytes_;  // kLineMax more than capacity: a line is written in one piece, its end then moves
  const AccessLogSettings& settings_;
  Shard& shard_;
  const CounterId dropped_;
  base::Rng sampler_;
  std::atomic<AccessLogWaker*> waker_{nullptr};
  uint64_t head_seen_ = 0;
  int64_t second_ = INT64_MIN;  // whose text is in second_text_
  char second_text_[kSecondText + 1] = {};
  alignas(64) std::atomic<uint64_t> tail_{0};  // bytes written, the worker's
  alignas(64) std::atomic<uint64_t> head_{0};  // bytes consumed, the reader's
};

}  // namespace headgate::metrics
