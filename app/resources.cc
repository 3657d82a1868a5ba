#include "app/resources.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <fstream>
#include <sstream>

namespace headgate::app {
namespace {

// The control thread, the pages', the pipeline's and the access log's (process.cc).
constexpr uint32_t kOwnThreads = 4;
constexpr char kCgroupRoot[] = "/sys/fs/cgroup";

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Of /proc/self/cgroup: "0::/path" for version 2.
std::string UnifiedGroup() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::")) return line.substr(3);
  }
  return {};
}

std::optional<uint32_t> QuotaOfVersion2() {
  std::optional<uint32_t> tightest;
  std::string group = UnifiedGroup();
  while (true) {
    const auto cpus = CpusOfQuota(FirstLine(kCgroupRoot + group + "/cpu.max"));
    if (cpus) tightest = std::min(tightest.value_or(*cpus), *cpus);
    const size_t slash = group.find_last_of('/');
    if (group.empty() || slash == std::string::npos) return tightest;
    group.resize(slash);
  }
}

std::optional<uint32_t> QuotaOfVersion1() {
  const std::string quota = FirstLine("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  return CpusOfQuota(quota + " " + FirstLine("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
}

bool ParseNumber(std::string_view& text, uint64_t& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(result.ptr - text.data()));
  return true;
}

}  // namespace

std::optional<uint32_t> CpusOfQuota(std::string_view cpu_max) {
  uint64_t quota = 0;
  uint64_t period = 0;
  if (!ParseNumber(cpu_max, quota) || !cpu_max.starts_with(' ')) return std::nullopt;
  cpu_max.remove_prefix(1);
  if (!ParseNumber(cpu_max, period) || period == 0 || quota == 0) return std::nullopt;
  return static_cast<uint32_t>(std::min<uint64_t>((quota + period - 1) / period, UINT32_MAX));
}

uint32_t AvailableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  uint32_t cpus = 1;
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) cpus = static_cast<uint32_t>(CPU_COUNT(&set));
  for (const auto& quota : {QuotaOfVersion2(), QuotaOfVersion1()}) {
    if (quota) cpus = std::min(cpus, *quota);
  }
  return std::max(cpus, 1U);
}

void RaiseFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void OpenStandardStreams() {
  // In ascending order: open takes the lowest number that is free.
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) < 0) return;
  }
}

void IgnoreSignalsOfWrites() {
  for (const int signal : {SIGPIPE, SIGXFSZ, SIGTTOU}) std::signal(signal, SIG_IGN);
}

std::string ThreadsText(uint32_t workers) {
  rlimit limit{};
  const bool known = ::getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  return fmt::format(
      "{} threads are needed (workers: {}, and {} more); the user's limit of processes (ulimit -u) is {}, "
      "the cgroup's is in pids.max",
      workers + kOwnThreads, workers, kOwnThreads, known ? std::to_string(limit.rlim_cur) : std::string("none"));
}

}  // namespace headgate::app
