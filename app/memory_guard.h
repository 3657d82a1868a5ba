// Watches the process's resident memory: beyond limits.maxMemory new requests are refused, until it is 5 % below again.
// Owned by the process; outlived by its io_context.
// SetLimit: any thread. Everything else happens on the io_context's thread.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>

namespace headgate::app {

// Whether a process is beyond its limit. Pure.
class MemoryLimit {
 public:
  static constexpr uint64_t kNone = std::numeric_limits<uint64_t>::max();

  // `configured` 0: none; nothing: 85 % of `cgroup`, where that has a limit.
  static uint64_t BytesOf(std::optional<uint64_t> configured, std::optional<uint64_t> cgroup) noexcept;
  // True: beyond it.
  bool Update(uint64_t resident, uint64_t limit) noexcept;

 private:
  bool full_ = false;
};

class MemoryGuard {
 public:
  // `told` hears of each change.
  MemoryGuard(boost::asio::io_context& io, std::function<void(bool full)> told);

  void SetLimit(std::optional<uint64_t> configured) noexcept;
  // In bytes; 0: none.
  uint64_t limit() const noexcept;

 private:
  void Look();

  boost::asio::steady_timer timer_;
  std::function<void(bool)> told_;
  const std::optional<uint64_t> cgroup_;
  std::atomic<uint64_t> limit_{MemoryLimit::kNone};
  MemoryLimit judged_;
  bool full_ = false;
};

}  // namespace headgate::app
