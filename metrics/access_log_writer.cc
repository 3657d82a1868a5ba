#include "metrics/access_log_writer.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace headgate::metrics {
namespace {

constexpr int kNapMs = 50;
constexpr int kSleepMs = 1000;
constexpr int kNapsBeforeSleep = 20;
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
      : shard_(shard), dropped_(dropped), target_(LogTarget::Open(AccessLogTarget::kOff, {})) {}

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
    if (unfinished_ == &ring) unfinished_ = nullptr;
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
    thread_ = std::thread([this] { Run(); });
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
  }

 private:
  enum class Pass : uint8_t { kIdle, kWrote, kStuck };

  void Run();
  Pass DrainAll(SteadyClock::time_point deadline);
  bool Drain(AccessLogRing& ring, SteadyClock::time_point deadline);
  std::optional<size_t> WritePiece(AccessLogRing& ring, size_t left, SteadyClock::time_point deadline);
  void FlushAll();
  size_t Discard(AccessLogRing& ring);
  void Exchange(std::unique_ptr<LogTarget> next) {
    FlushAll();
    line_broken_ = line_broken_ && next->Continues(*target_);
    target_ = std::move(next);
  }

  AccessLogWaker waker_;
  std::mutex mutex_;
  Shard& shard_;
  const CounterId dropped_;
  std::unique_ptr<LogTarget> target_;
  AccessLogTarget kind_ = AccessLogTarget::kOff;
  std::string path_;
  std::vector<AccessLogRing*> rings_;
  AccessLogRing* unfinished_ = nullptr;  // whose line the target has half of: it goes first
  bool line_broken_ = false;             // half a line is in the target, and its rest was discarded
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
    }
    const bool sleep = idle_passes >= kNapsBeforeSleep;
    waker_.Wait(sleep ? AccessLogWaker::State::kAsleep : AccessLogWaker::State::kNap, sleep ? kSleepMs : kNapMs);
  }
}

AccessLogWriter::Impl::Pass AccessLogWriter::Impl::DrainAll(SteadyClock::time_point deadline) {
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
  const std::string_view bytes = line_broken_ ? std::string_view("\n") : ring.Peek().substr(0, left);
  const LogTarget::Outcome outcome = target_->Write(bytes);
  switch (outcome.status) {
    case Status::kWritten:
      if (std::exchange(line_broken_, false)) return 0;
      unfinished_ = bytes[outcome.bytes - 1] == '\n' ? nullptr : &ring;
      ring.Consume(outcome.bytes);
      return outcome.bytes;
    case Status::kFull:
      break;
    case Status::kFailed:
      return Discard(ring);
  }
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
  if (patience.count() <= 0) return std::nullopt;
  target_->WaitWritable(static_cast<int>(patience.count()));
  return 0;
}

// What the target refused is lost: trying again would only lose newer lines instead.
size_t AccessLogWriter::Impl::Discard(AccessLogRing& ring) {
  if (unfinished_ == &ring) {
    unfinished_ = nullptr;
    line_broken_ = true;
  }
  const size_t all = ring.size();
  size_t lines = 0;
  for (size_t left = all; left > 0;) {
    const std::string_view bytes = ring.Peek().substr(0, left);
    lines += static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
    left -= bytes.size();
    ring.Consume(bytes.size());
  }
  shard_.Add(dropped_, lines);
  return all;
}

void AccessLogWriter::Impl::FlushAll() {
  if (DrainAll(SteadyClock::now() + kFlushPatience) != Pass::kStuck) return;
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
