#include "metrics/access_log_writer.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread_name.h"
#include "metrics/access_log_losses.h"

namespace headgate::metrics {
namespace {

constexpr int kNapMs = 50;
constexpr int kSleepMs = 1000;
constexpr int kNapsBeforeSleep = 20;
constexpr std::string_view kLineEnd = "\n";
constexpr auto kPassPatience = std::chrono::milliseconds(100);  // how long one pass waits for a full target
constexpr auto kFlushPatience = std::chrono::seconds(1);

using SteadyClock = std::chrono::steady_clock;

// Signals belong to the main thread; a broken pipe shows as an error of write.
void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

// `mutex_` covers everything but the waker. The thread holds it for a pass, never while it naps.
class AccessLogWriter::Impl {
 public:
  Impl(Shard& shard, CounterId dropped)
      : losses_(shard, dropped), target_(LogTarget::Open(AccessLogTarget::kOff, {})) {}

  void AddRing(AccessLogRing& ring) {
    const std::lock_guard lock(mutex_);
    rings_.push_back(&ring);
    ring.set_waker(&waker_);
  }
  void RemoveRing(AccessLogRing& ring) {
    const std::lock_guard lock(mutex_);
    ring.set_waker(nullptr);
    FlushAll();
    std::erase(rings_, &ring);
  }
  bool SetTarget(AccessLogTarget target, const std::string& path) {
    auto opened = LogTarget::Open(target, path);
    if (opened == nullptr) return false;
    const std::lock_guard lock(mutex_);
    Exchange(std::move(opened));
    kind_ = target;
    path_ = path;
    return true;
  }
  bool Reopen() {
    const std::lock_guard lock(mutex_);
    if (kind_ != AccessLogTarget::kFile) return true;
    auto opened = LogTarget::Open(kind_, path_);
    if (opened == nullptr) return false;
    Exchange(std::move(opened));
    return true;
  }
  void Start() {
    if (thread_.joinable()) return;
    stopping_ = false;
    thread_ = std::thread([this] {
      base::NameThisThread("access log");
      Run();
    });
  }
  void Stop() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    waker_.WakeForSure();
    thread_.join();
    const std::lock_guard lock(mutex_);
    FlushAll();
    if (rest_.empty()) return;
    GiveUpRest();
    rest_ = kLineEnd;
  }

 private:
  enum class Pass : uint8_t { kIdle, kWrote, kStuck };

  void Run();
  Pass DrainAll(SteadyClock::time_point deadline);
  bool Drain(AccessLogRing& ring, SteadyClock::time_point deadline);
  std::optional<size_t> WritePiece(AccessLogRing& ring, size_t left, SteadyClock::time_point deadline);
  void FlushAll();
  LogTarget::Outcome WriteRest();
  void GiveUpRest();
  size_t KeepRest(AccessLogRing& ring);
  size_t Discard(AccessLogRing& ring);
  void Exchange(std::unique_ptr<LogTarget> next);

  AccessLogWaker waker_;
  std::mutex mutex_;
  AccessLogLosses losses_;
  std::unique_ptr<LogTarget> target_;
  AccessLogTarget kind_ = AccessLogTarget::kOff;
  std::string path_;
  std::vector<AccessLogRing*> rings_;
  AccessLogRing* unfinished_ = nullptr;  // whose line the target has half of: it goes first
  std::string rest_;                     // of a line that the target has half of, taken out of its ring: it goes first
  bool stopping_ = false;
  std::thread thread_;
};

void AccessLogWriter::Impl::Run() {
  BlockSignals();
  int idle_passes = 0;
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      const Pass pass = DrainAll(SteadyClock::now() + kPassPatience);
      idle_passes = pass == Pass::kIdle ? idle_passes + 1 : 0;
      const bool full = std::any_of(rings_.begin(), rings_.end(), [](const auto* ring) { return ring->IsFull(); });
      if (pass == Pass::kStuck && full) losses_.Stuck();
    }
    const bool sleep = idle_passes >= kNapsBeforeSleep;
    waker_.Wait(sleep ? AccessLogWaker::State::kAsleep : AccessLogWaker::State::kNap, sleep ? kSleepMs : kNapMs);
  }
}

AccessLogWriter::Impl::Pass AccessLogWriter::Impl::DrainAll(SteadyClock::time_point deadline) {
  if (!rest_.empty()) WriteRest();  // the rings may be empty
  if (unfinished_ != nullptr && !Drain(*unfinished_, deadline)) return Pass::kStuck;
  Pass pass = Pass::kIdle;
  for (AccessLogRing* ring : rings_) {
    if (ring->size() == 0) continue;
    if (!Drain(*ring, deadline)) return Pass::kStuck;
    pass = Pass::kWrote;
  }
  return pass;
}

// Writes what the ring holds now, and not a byte of what comes meanwhile: that may end within a line where the ring
// wraps, and another ring's lines would go there. False when the target did not take it before the deadline.
bool AccessLogWriter::Impl::Drain(AccessLogRing& ring, SteadyClock::time_point deadline) {
  for (size_t left = ring.size(); left > 0;) {
    const std::optional<size_t> consumed = WritePiece(ring, left, deadline);
    if (!consumed) return false;
    left -= std::min(left, *consumed);
  }
  return true;
}

// Of `left` bytes at most. How much the ring is emptier for it; nothing when the deadline passed.
std::optional<size_t> AccessLogWriter::Impl::WritePiece(AccessLogRing& ring, size_t left,
                                                        SteadyClock::time_point deadline) {
  using Status = LogTarget::Status;
  const bool rest_first = !rest_.empty();
  const std::string_view bytes = ring.Peek().substr(0, left);
  const LogTarget::Outcome outcome = rest_first ? WriteRest() : target_->Write(bytes);
  switch (outcome.status) {
    case Status::kWritten:
      if (rest_first) return 0;
      losses_.Written();
      unfinished_ = bytes[outcome.bytes - 1] == '\n' ? nullptr : &ring;
      ring.Consume(outcome.bytes);
      return outcome.bytes;
    case Status::kFull:
      break;
    case Status::kFailed:
      losses_.Failed(outcome.error);
      return Discard(ring);
  }
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
  if (patience.count() <= 0) return std::nullopt;
  target_->WaitWritable(static_cast<int>(patience.count()));
  return 0;
}

LogTarget::Outcome AccessLogWriter::Impl::WriteRest() {
  if (!target_->Continues(*target_)) GiveUpRest();  // emptied to have space again: its half went with it
  if (rest_.empty()) return {};
  const LogTarget::Outcome outcome = target_->Write(rest_);
  if (outcome.status == LogTarget::Status::kWritten) rest_.erase(0, outcome.bytes);
  return outcome;
}

// The line is lost, unless only its end is missing: whoever writes to the file next ends it first.
void AccessLogWriter::Impl::GiveUpRest() {
  if (rest_.size() > kLineEnd.size()) losses_.Count(1);
  rest_.clear();
}

void AccessLogWriter::Impl::Exchange(std::unique_ptr<LogTarget> next) {
  FlushAll();
  if (!next->Continues(*target_)) GiveUpRest();
  if (rest_.empty() && next->EndsWithinLine()) rest_ = kLineEnd;
  target_ = std::move(next);
}

// What is left of the ring's first line goes into rest_; how many bytes that is.
size_t AccessLogWriter::Impl::KeepRest(AccessLogRing& ring) {
  while (!rest_.ends_with(kLineEnd) && ring.size() > 0) {
    const std::string_view bytes = ring.Peek();  // a part of the line where it goes on at the start of the ring
    const size_t end = bytes.find(kLineEnd);
    const size_t taken = end == std::string_view::npos ? bytes.size() : end + kLineEnd.size();
    rest_ += bytes.substr(0, taken);
    ring.Consume(taken);
  }
  unfinished_ = nullptr;
  return rest_.size();
}

// What the target refused is lost: trying again would only lose newer lines instead. Only of a line that the target has
// half of the other half is kept, so that a line is whole or absent.
size_t AccessLogWriter::Impl::Discard(AccessLogRing& ring) {
  const size_t all = ring.size();
  size_t lines = 0;
  for (size_t left = all - (unfinished_ == &ring ? KeepRest(ring) : 0); left > 0;) {
    const std::string_view bytes = ring.Peek().substr(0, left);
    lines += static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
    left -= bytes.size();
    ring.Consume(bytes.size());
  }
  losses_.Count(lines);
  return all;
}

void AccessLogWriter::Impl::FlushAll() {
  if (DrainAll(SteadyClock::now() + kFlushPatience) != Pass::kStuck) return;
  losses_.Failed(EAGAIN);
  for (AccessLogRing* ring : rings_) Discard(*ring);
}

AccessLogWriter::AccessLogWriter(Shard& shard, CounterId dropped) : impl_(std::make_unique<Impl>(shard, dropped)) {}
AccessLogWriter::~AccessLogWriter() { Stop(); }
void AccessLogWriter::AddRing(AccessLogRing& ring) { impl_->AddRing(ring); }
void AccessLogWriter::RemoveRing(AccessLogRing& ring) { impl_->RemoveRing(ring); }
bool AccessLogWriter::SetTarget(AccessLogTarget target, const std::string& path) {
  return impl_->SetTarget(target, path);
}
bool AccessLogWriter::Reopen() { return impl_->Reopen(); }
void AccessLogWriter::Start() { impl_->Start(); }
void AccessLogWriter::Stop() { impl_->Stop(); }

}  // namespace headgate::metrics
