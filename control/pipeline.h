// From a trigger to an acknowledged generation: ask the sources, validate, compile, build, publish, one reload at a
// time. Owned by app's wiring; stopped before the WorkerSet goes. Has a thread of its own, so that nobody who asks
// something waits for a compiler. Public functions: see each.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "control/loader.h"
#include "control/source.h"
#include "control/state.h"
#include "metrics/registry.h"
#include "proxy/snapshot/builder.h"
#include "proxy/worker/worker_set.h"

namespace headgate::control {

struct PipelineOptions {
  metrics::Registry* registry = nullptr;
  const proxy::net::TicketKeys* tickets = nullptr;
  const base::Clock* clock = nullptr;
  State* state = nullptr;
  /// What else a configuration needs in order to be put into force: an error leaves the unit out that it points into.
  std::function<void(const config::Model&, config::DiagnosticList&)> check;
  /// On the pipeline's thread. Before a snapshot is published: may wait a little for names to resolve.
  std::function<void(const proxy::Snapshot&)> before_publish;
  /// After it was acknowledged; `warnings` go into the report. `previous` is null for the first.
  std::function<void(const proxy::Snapshot& now, const proxy::Snapshot* previous, std::vector<std::string>& warnings)>
      published;
  /// The files that the configuration names, after each look: for the watcher.
  std::function<void(std::vector<std::string>)> watch;
};

class Pipeline {
 public:
  static constexpr std::chrono::seconds kAcknowledgeMax{10};

  /// `sources`: see Loader.
  Pipeline(SourceList sources, PipelineOptions options);
  Pipeline(std::unique_ptr<Source> source, PipelineOptions options);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // ---- At the start, on the caller's thread, before Start().
  /// Null when there is nothing to start with; `problems` then says why (and may hold warnings otherwise).
  std::shared_ptr<const routing::Compiled> LoadFirst(std::string& problems);
  /// Builds and publishes what was loaded. `server` outlives the pipeline's thread.
  ReloadReport ApplyFirst(proxy::WorkerSet& server);
  void Start();

  // ---- Any thread.
  using Done = std::function<void(std::shared_ptr<const ReloadReport>)>;
  /// Triggers that come while a reload runs become one reload after it. `done` runs on the pipeline's thread.
  void Reload(Trigger trigger, Done done = {});
  /// From now on every reload is refused; returns when none is under way any more.
  void BeginDrain();
  /// Ends the thread; what waits is refused.
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::control
