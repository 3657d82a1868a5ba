// Where access log lines go: a file, or one of the process's own streams. Never blocks on a pipe or socket that is
// full. Owned by AccessLogWriter.
// One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace headgate::metrics {

enum class AccessLogTarget : uint8_t { kOff, kStdout, kStderr, kFile };

class LogTarget {
 public:
  // Null with errno set when it cannot be opened. A file is made with mode 0640 and appended to; `path` is for kFile
  // only.
  static std::unique_ptr<LogTarget> Open(AccessLogTarget target, const std::string& path);
  LogTarget(const LogTarget&) = delete;
  LogTarget& operator=(const LogTarget&) = delete;
  ~LogTarget();

  enum class Status : uint8_t { kWritten, kFull, kFailed };
  struct Outcome {
    Status status = Status::kWritten;
    size_t bytes = 0;  // taken, with kWritten
    int error = 0;     // errno, with kFailed
  };
  // Takes as much as the target takes at once. kFull: WaitWritable, then again. kFailed: no space, broken pipe, ...
  Outcome Write(std::string_view bytes) noexcept;
  void WaitWritable(int timeout_ms) noexcept;
  // Whether what is written here follows what `other` (or this itself) wrote: one file or pipe, and it was not emptied.
  bool Continues(const LogTarget& other) const noexcept;
  // Whether a file's last line has no end: somebody was killed or ran out of space within it.
  bool EndsWithinLine() const noexcept;

 private:
  enum class Kind : uint8_t { kNone, kPlain, kSocket, kSharedPipe };
  LogTarget(Kind kind, int descriptor) noexcept : kind_(kind), descriptor_(descriptor) {}

  static std::unique_ptr<LogTarget> OpenStream(int stream);
  bool IsWritable(int timeout_ms) noexcept;

  const Kind kind_;
  const int descriptor_;
};

}  // namespace headgate::metrics
