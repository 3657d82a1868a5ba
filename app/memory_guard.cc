#include "app/memory_guard.h"

#include <malloc.h>

#include <utility>

#include "app/resources.h"
#include "base/log/log.h"

namespace headgate::app {
namespace {

constexpr auto kEvery = std::chrono::milliseconds(100);
constexpr uint64_t kMiB = 1024 * 1024;

}  // namespace

uint64_t MemoryLimit::BytesOf(std::optional<uint64_t> configured, std::optional<uint64_t> cgroup) noexcept {
  if (configured) return *configured == 0 ? kNone : *configured;
  return cgroup ? *cgroup / 100 * 85 : kNone;
}

bool MemoryLimit::Update(uint64_t resident, uint64_t limit) noexcept {
  if (limit == kNone) return full_ = false;
  full_ = resident > (full_ ? limit / 100 * 95 : limit);
  return full_;
}

MemoryGuard::MemoryGuard(boost::asio::io_context& io, std::function<void(bool)> told)
    : timer_(io), told_(std::move(told)), cgroup_(CgroupMemoryLimit()) {
  Look();
}

void MemoryGuard::SetLimit(std::optional<uint64_t> configured) noexcept {
  limit_.store(MemoryLimit::BytesOf(configured, cgroup_), std::memory_order_relaxed);
}

uint64_t MemoryGuard::limit() const noexcept {
  const uint64_t limit = limit_.load(std::memory_order_relaxed);
  return limit == MemoryLimit::kNone ? 0 : limit;
}

void MemoryGuard::Look() {
  const uint64_t limit = limit_.load(std::memory_order_relaxed);
  const uint64_t resident = limit == MemoryLimit::kNone ? 0 : ResidentBytes();
  const bool full = judged_.Update(resident, limit);
  // What was freed may still be the allocator's.
  if (full) malloc_trim(0);
  if (full != full_) {
    full_ = full;
    told_(full);
    if (full) {
      base::log::Warning("limits.maxMemory is reached: {} of {} MiB are resident, new requests get 503",
                         resident / kMiB, limit / kMiB);
    } else {
      base::log::Info("memory is below limits.maxMemory again: {} MiB are resident", resident / kMiB);
    }
  }
  timer_.expires_after(kEvery);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) Look();
  });
}

}  // namespace headgate::app
