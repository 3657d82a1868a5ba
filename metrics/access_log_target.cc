#include "metrics/access_log_target.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace headgate::metrics {

std::unique_ptr<LogTarget> LogTarget::Open(AccessLogTarget target, const std::string& path) {
  constexpr mode_t kMode = 0640;
  switch (target) {
    case AccessLogTarget::kOff:
      return std::unique_ptr<LogTarget>(new LogTarget(Kind::kNone, -1));
    case AccessLogTarget::kStdout:
      return OpenStream(STDOUT_FILENO);
    case AccessLogTarget::kStderr:
      return OpenStream(STDERR_FILENO);
    case AccessLogTarget::kFile:
      break;
  }
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, kMode);
  if (descriptor < 0) return nullptr;
  return std::unique_ptr<LogTarget>(new LogTarget(Kind::kPlain, descriptor));
}

// O_NONBLOCK belongs to the open file, which others (a shell, a parent) share with us: a pipe is opened anew to have
// one of our own. Where that is not allowed (the pipe of another user), small writes after a poll do not block either.
std::unique_ptr<LogTarget> LogTarget::OpenStream(int stream) {
  struct stat status{};
  if (fstat(stream, &status) != 0) return nullptr;
  Kind kind = S_ISSOCK(status.st_mode) ? Kind::kSocket : Kind::kPlain;
  int descriptor = -1;
  if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
    const std::string name = "/proc/self/fd/" + std::to_string(stream);
    descriptor = open(name.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) kind = Kind::kSharedPipe;
  }
  if (descriptor < 0) descriptor = fcntl(stream, F_DUPFD_CLOEXEC, 3);
  if (descriptor < 0) return nullptr;
  return std::unique_ptr<LogTarget>(new LogTarget(kind, descriptor));
}

bool LogTarget::Continues(const LogTarget& other) const noexcept {
  struct stat mine{};
  struct stat others{};
  if (fstat(descriptor_, &mine) != 0 || fstat(other.descriptor_, &others) != 0) return false;
  return mine.st_dev == others.st_dev && mine.st_ino == others.st_ino && (mine.st_size > 0 || !S_ISREG(mine.st_mode));
}

bool LogTarget::EndsWithinLine() const noexcept {
  struct stat status{};
  if (fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) return false;
  char name[32];
  *fmt::format_to_n(name, sizeof(name) - 1, "/proc/self/fd/{}", descriptor_).out = '\0';
  const int reader = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);  // this one can only be written to
  if (reader < 0) return false;
  char last = '\n';
  const bool ends_within = pread(reader, &last, 1, status.st_size - 1) == 1 && last != '\n';
  close(reader);
  return ends_within;
}

LogTarget::~LogTarget() {
  if (descriptor_ >= 0) close(descriptor_);
}

LogTarget::Outcome LogTarget::Write(std::string_view bytes) noexcept {
  ssize_t written = 0;
  do {
    switch (kind_) {
      case Kind::kNone:
        return {Status::kWritten, bytes.size()};
      case Kind::kPlain:
        written = write(descriptor_, bytes.data(), bytes.size());
        break;
      case Kind::kSocket:
        written = send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        break;
      case Kind::kSharedPipe:
        if (!IsWritable(0)) return {Status::kFull, 0};
        written = write(descriptor_, bytes.data(), std::min<size_t>(bytes.size(), PIPE_BUF));
        break;
    }
  } while (written < 0 && errno == EINTR);
  if (written > 0) return {Status::kWritten, static_cast<size_t>(written)};
  const bool full = written == 0 || errno == EAGAIN || errno == EWOULDBLOCK;
  return {.status = full ? Status::kFull : Status::kFailed, .error = errno};
}

bool LogTarget::IsWritable(int timeout_ms) noexcept {
  pollfd waited = {descriptor_, POLLOUT, 0};
  return poll(&waited, 1, timeout_ms) > 0;
}

void LogTarget::WaitWritable(int timeout_ms) noexcept { IsWritable(timeout_ms); }

}  // namespace headgate::metrics
