#include "metrics/process_stats.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>

namespace headgate::metrics {
namespace {

std::string ReadAll(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

double BootSeconds() {
  const std::string text = ReadAll("/proc/stat");
  constexpr std::string_view kKey = "\nbtime ";
  const size_t at = text.find(kKey);
  if (at == std::string::npos) return 0;
  std::istringstream number(text.substr(at + kKey.size(), 20));
  double seconds = 0;
  number >> seconds;
  return seconds;
}

std::optional<double> OpenFiles() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return std::nullopt;
  double count = 0;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.') ++count;
  }
  closedir(folder);
  return count - 1;  // the folder itself was open
}

std::optional<double> OpenFilesMax() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return static_cast<double>(limit.rlim_cur);
}

void AddOne(std::vector<prometheus::MetricFamily>& families, const char* name, const char* help, double value,
            prometheus::MetricType type = prometheus::MetricType::Gauge) {
  prometheus::ClientMetric metric;
  metric.gauge.value = value;
  metric.counter.value = value;
  families.push_back({name, help, type, {metric}});
}

}  // namespace

std::optional<ProcessStats> ParseProcessStat(const std::string& stat, double boot_seconds, double ticks_per_second,
                                             double page_bytes) {
  // The second field is the command in parentheses and may hold anything: the numbers begin behind the last ')'.
  const size_t command_end = stat.rfind(')');
  if (command_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(command_end + 1));
  std::string state;
  fields >> state;
  double user = 0;
  double system = 0;
  double start = 0;
  ProcessStats stats;
  for (int field = 4; field <= 24; ++field) {
    double value = 0;
    if (!(fields >> value)) return std::nullopt;
    if (field == 14) user = value;
    if (field == 15) system = value;
    if (field == 22) start = value;
    if (field == 23) stats.virtual_memory_bytes = value;
    if (field == 24) stats.resident_memory_bytes = value * page_bytes;
  }
  stats.cpu_seconds = (user + system) / ticks_per_second;
  stats.start_time_seconds = boot_seconds + start / ticks_per_second;
  return stats;
}

std::vector<prometheus::MetricFamily> CollectProcessStats() {
  std::vector<prometheus::MetricFamily> families;
  const auto stats =
      ParseProcessStat(ReadAll("/proc/self/stat"), BootSeconds(), static_cast<double>(sysconf(_SC_CLK_TCK)),
                       static_cast<double>(sysconf(_SC_PAGESIZE)));
  if (stats) {
    AddOne(families, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
           stats->cpu_seconds, prometheus::MetricType::Counter);
    AddOne(families, "process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
           stats->start_time_seconds);
    AddOne(families, "process_virtual_memory_bytes", "Virtual memory size in bytes.", stats->virtual_memory_bytes);
    AddOne(families, "process_resident_memory_bytes", "Resident memory size in bytes.", stats->resident_memory_bytes);
  }
  if (const auto open = OpenFiles()) {
    AddOne(families, "process_open_fds", "Number of open file descriptors.", *open);
  }
  if (const auto max = OpenFilesMax()) {
    AddOne(families, "process_max_fds", "Maximum number of open file descriptors.", *max);
  }
  return families;
}

}  // namespace headgate::metrics
