// The access log as the configuration wants it: where it goes, which share of requests, and opening it again.
// Owned by the process; outlives the workers' rings.
// Start: before the workers. Check, Apply: the pipeline's thread. Reopen: the control thread.
#pragma once

#include <string>

#include "metrics/access_log_writer.h"
#include "metrics/registry.h"
#include "routing/compiled.h"

namespace headgate::config {
struct Model;
class DiagnosticList;
}  // namespace headgate::config

namespace headgate::app {

/// Whether the file that the configuration names can be opened. Makes none.
void CheckAccessLog(const config::Model& model, config::DiagnosticList& diagnostics);

class AccessLog {
 public:
  explicit AccessLog(metrics::Registry& registry)
      : writer_(registry.AddShard(), registry.Process().access_log_dropped) {}

  /// False when the file cannot be opened; standard error says why.
  bool Start(const routing::AccessLogPolicy& policy);
  /// Before a reload: CheckAccessLog, unless it is the file in use.
  void Check(const config::Model& model, config::DiagnosticList& diagnostics) const;
  /// After a reload. Where a file cannot be opened all the same the old one stays; a sentence says so.
  std::string Apply(const routing::AccessLogPolicy& policy);
  /// SIGUSR1.
  void Reopen();

  metrics::AccessLogWriter& writer() { return writer_; }
  const metrics::AccessLogSettings& settings() const { return settings_; }

 private:
  std::string SetTarget(const routing::AccessLogPolicy& policy);
  void SetShare(const routing::AccessLogPolicy& policy);

  metrics::AccessLogWriter writer_;
  metrics::AccessLogSettings settings_;
  routing::AccessLogPolicy policy_;
};

}  // namespace headgate::app
