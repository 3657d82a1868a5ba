#include "base/log/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdlib>
#include <iterator>

namespace headgate::base::log {
namespace {

constexpr size_t kLineBytesMax = 1024;

spdlog::level::level_enum ToSpdlog(Level level) noexcept {
  switch (level) {
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::off;
}

// Never destroyed: threads may write while the process exits.
spdlog::logger& Sink() {
  static spdlog::logger& sink = []() -> spdlog::logger& {
    auto* logger = new spdlog::logger("headgate", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::info);
    std::atexit([] { Flush(); });
    return *logger;
  }();
  return sink;
}

bool IsPrintable(char c) noexcept { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; }

}  // namespace

void Write(Level level, std::string_view text) noexcept {
  try {
    fmt::basic_memory_buffer<char, kLineBytesMax> line;
    for (const char c : text) {
      if (IsPrintable(c)) {
        line.push_back(c);
      } else {
        fmt::format_to(std::back_inserter(line), "\\x{:02x}", static_cast<unsigned char>(c));
      }
    }
    Sink().log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
  } catch (...) {
    // A log that cannot be written (no memory, standard error closed) must not end what it tells about.
    return;
  }
}

void Flush() noexcept {
  try {
    Sink().flush();
  } catch (...) {
    return;
  }
}

void WriteFormatted(Level level, fmt::string_view format, fmt::format_args arguments) noexcept {
  try {
    std::array<char, kLineBytesMax> line{};
    const auto result = fmt::vformat_to_n(line.data(), line.size(), format, arguments);
    size_t size = result.size;
    if (size > line.size()) {
      size = line.size();
      std::fill(line.end() - 3, line.end(), '.');
    }
    Write(level, {line.data(), size});
  } catch (...) {
    return;
  }
}

std::optional<uint64_t> LimitedLog::Admit(Instant now) noexcept {
  const int64_t at = now.time_since_epoch().count();
  int64_t next = next_.load(std::memory_order_relaxed);
  if (at < next || !next_.compare_exchange_strong(next, at + interval_.count(), std::memory_order_relaxed)) {
    skipped_.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  return skipped_.exchange(0, std::memory_order_relaxed);
}

}  // namespace headgate::base::log
