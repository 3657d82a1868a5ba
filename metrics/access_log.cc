#include "metrics/access_log.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

#include "base/check.h"
#include "base/json/escape.h"
#include "metrics/text.h"

namespace headgate::metrics {
namespace {

// Bounds of the fields, in bytes as written.
constexpr size_t kShort = 64;
constexpr size_t kName = 128;
constexpr size_t kHost = 256;
constexpr size_t kAgent = 512;
constexpr size_t kQuery = 1024;
constexpr size_t kPath = 2048;
constexpr size_t kKeysAndNumbers = 640;
static_assert(5 * kShort + 6 * kName + kHost + kAgent + 2 * kQuery + kPath + kKeysAndNumbers <=
              AccessLogRing::kLineMax);

template <size_t kSize>
char* Literal(const char (&text)[kSize], char* out) noexcept {
  std::memcpy(out, text, kSize - 1);
  return out + kSize - 1;
}

char* Escape(std::string_view value, char* out, size_t bytes_max) noexcept {
  constexpr std::string_view kCut = "...";
  const auto done = base::json::AppendEscaped({out, bytes_max - kCut.size()}, value);
  out += done.written;
  if (done.consumed < value.size()) {
    std::memcpy(out, kCut.data(), kCut.size());
    out += kCut.size();
  }
  return out;
}

// A JSON string of at most bytes_max bytes between the quotes, or null when there is none.
char* String(std::string_view value, char* out, size_t bytes_max) noexcept {
  if (value.empty()) return Literal("null", out);
  *out++ = '"';
  if (value.size() <= bytes_max && CopyIfPlain(value, out)) {
    out += value.size();
  } else {
    out = Escape(value, out, bytes_max);
  }
  *out++ = '"';
  return out;
}

char* Number(uint64_t value, char* out) noexcept { return std::to_chars(out, out + 20, value).ptr; }

char* ThreeDigits(uint64_t value, char* out) noexcept {
  out[0] = static_cast<char>('0' + value / 100);
  out[1] = static_cast<char>('0' + value / 10 % 10);
  out[2] = static_cast<char>('0' + value % 10);
  return out + 3;
}

// Milliseconds with the microseconds behind the point.
char* Milliseconds(base::Duration duration, char* out) noexcept {
  if (duration.count() < 0) return Literal("null", out);
  const auto microseconds = static_cast<uint64_t>(duration.count()) / 1000;
  out = Number(microseconds / 1000, out);
  *out++ = '.';
  return ThreeDigits(microseconds % 1000, out);
}

// A referer is a URL of somebody else's making: its query may hold a token, its authority a password.
std::string_view SafeReferer(std::string_view referer, bool with_query) noexcept {
  const size_t scheme = referer.find("://");
  if (scheme != std::string_view::npos) {
    const size_t authority = scheme + 3;
    const size_t path = referer.find('/', authority);
    if (referer.substr(authority, path - authority).find('@') != std::string_view::npos) return {};
  }
  return with_query ? referer : referer.substr(0, referer.find('?'));
}

}  // namespace

AccessLogWaker::AccessLogWaker() : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (event_ < 0) throw std::system_error(errno, std::generic_category(), "the access log");
}

AccessLogWaker::~AccessLogWaker() { close(event_); }

void AccessLogWaker::Wake() noexcept {
  if (state_.exchange(State::kAwake, std::memory_order_acq_rel) != State::kAwake) WakeForSure();
}

void AccessLogWaker::WakeForSure() noexcept {
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the thread is woken anyway.
  [[maybe_unused]] const ssize_t written = write(event_, &one, sizeof one);
}

void AccessLogWaker::Wait(State state, int timeout_ms) noexcept {
  state_.store(state, std::memory_order_release);
  pollfd waited = {event_, POLLIN, 0};
  poll(&waited, 1, timeout_ms);
  state_.store(State::kAwake, std::memory_order_release);
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = read(event_, &count, sizeof count);
}

AccessLogRing::AccessLogRing(size_t capacity, const AccessLogSettings& settings, Shard& shard, CounterId dropped)
    : capacity_(capacity),
      bytes_(std::make_unique<char[]>(capacity + kLineMax)),
      settings_(settings),
      shard_(shard),
      dropped_(dropped),
      sampler_(reinterpret_cast<uintptr_t>(this)) {
  HG_CHECK(std::has_single_bit(capacity) && capacity >= size_t{64} * 1024);
}

AccessLogRing::~AccessLogRing() = default;

bool AccessLogRing::Wanted() noexcept {
  constexpr uint32_t kAll = 1'000'000;
  const uint32_t ppm = settings_.sample_ppm();
  return ppm >= kAll || (ppm != 0 && sampler_.Below(kAll) < ppm);
}

// Looks at the reader's progress only once half of the ring may be in use.
bool AccessLogRing::HasRoom(uint64_t tail) noexcept {
  if (tail - head_seen_ <= capacity_ / 2) return true;
  head_seen_ = head_.load(std::memory_order_acquire);
  return tail - head_seen_ + kLineMax <= capacity_;
}

void AccessLogRing::Write(const AccessRecord& record) noexcept {
  const uint64_t tail = tail_.load(std::memory_order_relaxed);
  if (!HasRoom(tail)) return shard_.Add(dropped_);
  const size_t offset = tail & (capacity_ - 1);
  char* const begin = bytes_.get() + offset;
  const auto length = static_cast<size_t>(Format(record, begin) - begin);
  if (offset + length > capacity_) std::memcpy(bytes_.get(), bytes_.get() + capacity_, offset + length - capacity_);
  tail_.store(tail + length, std::memory_order_release);
  AccessLogWaker* const waker = waker_.load(std::memory_order_acquire);
  if (waker != nullptr) waker->LineWritten(tail + length - head_seen_ > capacity_ / 2);
}

char* AccessLogRing::FormatTime(base::WallTime time, char* out) noexcept {
  const int64_t ms = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const int64_t second = ms >= 0 ? ms / 1000 : (ms - 999) / 1000;
  if (second != second_) {
    const time_t seconds = second;
    tm fields{};
    gmtime_r(&seconds, &fields);
    strftime(second_text_, sizeof second_text_, "%Y-%m-%dT%H:%M:%S", &fields);
    second_ = second;
  }
  std::memcpy(out, second_text_, kSecondText);
  out[kSecondText] = '.';
  out = ThreeDigits(static_cast<uint64_t>(ms - second * 1000), out + kSecondText + 1);
  *out++ = 'Z';
  return out;
}

char* AccessLogRing::Format(const AccessRecord& r, char* out) noexcept {
  const bool with_query = settings_.query();
  out = FormatTime(r.time, Literal("{\"time\":\"", out));
  out = String(r.request_id, Literal("\",\"request_id\":", out), kName);
  out = String(r.client, Literal(",\"client\":", out), kShort);
  out = String(r.method, Literal(",\"method\":", out), kShort);
  out = String(r.host, Literal(",\"host\":", out), kHost);
  out = String(r.path, Literal(",\"path\":", out), kPath);
  if (with_query) out = String(r.query, Literal(",\"query\":", out), kQuery);
  out = String(r.protocol, Literal(",\"protocol\":", out), kShort);
  out = String(r.route, Literal(",\"route\":", out), kName);
  out = String(r.upstream, Literal(",\"upstream\":", out), kName);
  out = String(r.endpoint, Literal(",\"endpoint\":", out), kName);
  out = Literal(",\"code\":", out);
  out = r.code == 0 ? Literal("null", out) : Number(r.code, out);
  out = String(r.reason, Literal(",\"reason\":", out), kShort);
  out = String(r.detail, Literal(",\"detail\":", out), kName);
  out = Number(r.bytes_in, Literal(",\"bytes_in\":", out));
  out = Number(r.bytes_out, Literal(",\"bytes_out\":", out));
  out = Milliseconds(r.duration, Literal(",\"duration_ms\":", out));
  out = Milliseconds(r.upstream_duration, Literal(",\"upstream_ms\":", out));
  out = Number(r.attempts, Literal(",\"attempts\":", out));
  out = String(r.tls, Literal(",\"tls\":", out), kShort);
  out = String(r.user_agent, Literal(",\"user_agent\":", out), kAgent);
  out = String(SafeReferer(r.referer, with_query), Literal(",\"referer\":", out), kQuery);
  out = String(r.trace_id, Literal(",\"trace_id\":", out), kName);
  return Literal("}\n", out);
}

std::string_view AccessLogRing::Peek() const noexcept {
  const uint64_t head = head_.load(std::memory_order_relaxed);
  const size_t offset = head & (capacity_ - 1);
  const size_t ready = size();
  return {bytes_.get() + offset, ready < capacity_ - offset ? ready : capacity_ - offset};
}

void AccessLogRing::Consume(size_t bytes) noexcept {
  head_.store(head_.load(std::memory_order_relaxed) + bytes, std::memory_order_release);
}

}  // namespace headgate::metrics
