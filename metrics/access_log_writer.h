// Empties the access log's rings into a file, standard output or standard error.
// Owned by app::Server; a ring is removed before it goes.
// A thread of its own between Start and Stop; the public functions may be called from any thread but a worker's.
#pragma once

#include <memory>
#include <string>

#include "metrics/access_log.h"
#include "metrics/access_log_target.h"

namespace headgate::metrics {

class AccessLogWriter {
 public:
  // `shard` is the writer's own; lines that the target did not take are counted in its `dropped`.
  AccessLogWriter(Shard& shard, CounterId dropped);
  AccessLogWriter(const AccessLogWriter&) = delete;
  AccessLogWriter& operator=(const AccessLogWriter&) = delete;
  ~AccessLogWriter();  // Stop()

  void AddRing(AccessLogRing& ring);
  // Writes what the ring still holds (for at most a second). Nothing may be written to it any more.
  void RemoveRing(AccessLogRing& ring);

  // Where lines go from now on. False with errno set, and nothing changes, when it cannot be opened. With kOff (the
  // state at first) the rings are emptied into nothing.
  bool SetTarget(AccessLogTarget target, const std::string& path = {});
  // SIGUSR1: opens the file again by its name. False with errno set when that failed; the old one stays in use.
  bool Reopen();

  void Start();
  // Writes what is there (for at most a second if the target does not take it; the rest is counted) and joins.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::metrics
