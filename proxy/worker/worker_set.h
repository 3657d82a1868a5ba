// The workers and their listening sockets, as the control plane sees them.
// Owned by app; outlives nothing.
// Control thread, unless said otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "metrics/access_log_writer.h"
#include "metrics/registry.h"
#include "proxy/shared/process_shared.h"
#include "proxy/snapshot/snapshot.h"

namespace headgate::proxy {

struct WorkerSetOptions {
  uint32_t workers = 1;
  const base::Clock* clock = nullptr;
  metrics::Registry* registry = nullptr;
  metrics::AccessLogWriter* access_log = nullptr;                   // null: no access log
  const metrics::AccessLogSettings* access_log_settings = nullptr;  // with access_log
};

class Worker;
struct Answer;
struct Question;

class WorkerSet {
 public:
  // Throws std::system_error when a thread cannot be made; what ran by then has stopped.
  explicit WorkerSet(const WorkerSetOptions& options);
  // Stops at once whatever still runs.
  ~WorkerSet();

  // Opens what listeners the snapshot adds (errors: see ListenSocket::Open; nothing changes then), hands the snapshot
  // to every worker in one message each, and closes what it leaves out after their queues are empty.
  // `acknowledged` is called on a worker's thread once all workers have taken it; may be empty.
  absl::Status Publish(std::shared_ptr<const Snapshot> snapshot, std::function<void()> acknowledged);
  // A DNS upstream's addresses. Kept and applied to later snapshots too, until replaced.
  void PublishEndpoints(std::shared_ptr<UpstreamShared> upstream, std::shared_ptr<const EndpointSet> endpoints);

  // Asks an upstream of the configuration in force. `told` is called once, on a worker's thread; never after Stop.
  void Ask(Question question, std::function<void(Answer)> told) const;

  // SIGTERM, step one: connections are told to close with their next response; listeners still accept.
  void BeginDrain();
  /// limits.maxMemory is passed, or no longer: new requests get 503 meanwhile. Any thread.
  void SetMemoryFull(bool full);
  // Step two, after lameDuck: listeners stop accepting and close; idle connections close.
  void CloseListeners();
  // Step three: resets what is left and joins the workers.
  void Stop();
  // Client connections now open. Any thread.
  uint64_t connections() const noexcept;
  // The longest time since a worker's loop last turned (an idle loop turns every second). Any thread.
  base::Duration stalled_for() const noexcept;
  // Generations alive at workers (pinned by requests), the current one included. Any thread.
  uint64_t generations_alive() const noexcept;
  // The real address of a listener (tests: port 0). Empty when there is none of that name.
  std::string AddressOf(const std::string& listener) const;
  uint32_t workers() const noexcept;

 private:
  struct Impl;
  explicit WorkerSet(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::proxy
