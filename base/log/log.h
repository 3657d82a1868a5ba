// The application log: one line per event on standard error. (Requests go to the access log, which is not this.)
// The process owns one; it works before main and until exit.
// Any thread.
#pragma once

#include <fmt/core.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace headgate::base::log {

enum class Level : uint8_t { kInfo, kWarning, kError };

// Writes "2026-01-31T12:00:00.000Z level text" in one write. Line breaks and control characters within the text are
// written as \xNN, so that what a stranger sent cannot forge a line.
void Write(Level level, std::string_view text) noexcept;
// Hands everything written so far to the kernel; also done at exit.
void Flush() noexcept;

// Formats into a buffer on the stack (1 KiB, longer lines are cut and end in "...") and writes it.
void WriteFormatted(Level level, fmt::string_view format, fmt::format_args arguments) noexcept;

template <class... Args>
void At(Level level, fmt::format_string<Args...> format, Args&&... arguments) noexcept {
  WriteFormatted(level, format, fmt::make_format_args(arguments...));
}
template <class... Args>
void Info(fmt::format_string<Args...> format, Args&&... arguments) noexcept {
  At(Level::kInfo, format, std::forward<Args>(arguments)...);
}
template <class... Args>
void Warning(fmt::format_string<Args...> format, Args&&... arguments) noexcept {
  At(Level::kWarning, format, std::forward<Args>(arguments)...);
}
template <class... Args>
void Error(fmt::format_string<Args...> format, Args&&... arguments) noexcept {
  At(Level::kError, format, std::forward<Args>(arguments)...);
}

// For an event that a stranger can repeat at will: writes one per `interval` and says how many it left out. Shared by
// threads; keep it where the event happens (`static LimitedLog limited(std::chrono::seconds(1));`).
class LimitedLog {
 public:
  explicit LimitedLog(Duration interval) noexcept : interval_(interval) {}

  template <class... Args>
  void Write(Level level, Instant now, fmt::format_string<Args...> format, Args&&... arguments) noexcept {
    const std::optional<uint64_t> skipped = Admit(now);
    if (!skipped) return;
    At(level, format, std::forward<Args>(arguments)...);
    if (*skipped > 0) At(level, "the same {} times more since the last of these lines", *skipped);
  }
  // The number of events left out since the last one that was admitted, or nullopt: leave this one out.
  std::optional<uint64_t> Admit(Instant now) noexcept;

 private:
  const Duration interval_;
  std::atomic<int64_t> next_{INT64_MIN};  // nanoseconds of Instant
  std::atomic<uint64_t> skipped_{0};
};

}  // namespace headgate::base::log
