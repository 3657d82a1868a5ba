// The process's own numbers, under the names that every Prometheus client uses.
// Stateless.
// Any thread.
#pragma once

#include <prometheus/metric_family.h>

#include <optional>
#include <string>
#include <vector>

namespace headgate::metrics {

struct ProcessStats {
  double cpu_seconds = 0;
  double start_time_seconds = 0;  // since 1970
  double virtual_memory_bytes = 0;
  double resident_memory_bytes = 0;
};

// From the text of /proc/self/stat (proc(5)); `boot_seconds`: btime of /proc/stat. Nothing when it does not parse.
std::optional<ProcessStats> ParseProcessStat(const std::string& stat, double boot_seconds, double ticks_per_second,
                                             double page_bytes);

// process_*: what cannot be read is left out.
std::vector<prometheus::MetricFamily> CollectProcessStats();

}  // namespace headgate::metrics
