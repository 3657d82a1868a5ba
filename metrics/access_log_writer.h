// Empties the access log's rings into a file, standard output or standard error.
// Owned by app::Server; the rings outlive it or are removed first.
// A thread of its own between Start and Stop; every public function may be called from any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "metrics/access_log.h"

namespace headgate::metrics {

enum class AccessLogTarget : uint8_t { kOff, kStdout, kStderr, kFile };

class AccessLogWriter {
 public:
  // `shard` is the writer thread's own; lines that the target did not take are counted in its `dropped`.
  AccessLogWriter(Shard& shard, CounterId dropped);
  AccessLogWriter(const AccessLogWriter&) = delete;
  AccessLogWriter& operator=(const AccessLogWriter&) = delete;
  ~AccessLogWriter();  // Stop()

  // Before workers write and after they stopped, or while they run.
  void AddRing(AccessLogRing& ring);
  // Writes what the ring still holds. Afterwards the ring may be destroyed.
  void RemoveRing(AccessLogRing& ring);

  // Where lines go from now on; a file is made with mode 0640 and appended to. False, and nothing changes, when it
  // cannot be opened (errno tells why). With kOff the rings are emptied into nothing.
  bool SetTarget(AccessLogTarget target, const std::string& path = {});
  // SIGUSR1: opens the file again by its name. False when that failed; the old one then stays in use.
  bool Reopen();

  void Start();
  // Flushes what is there (for at most a second if the target does not take it) and joins.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::metrics
