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
constexpr char kGroups[] = "/proc/self/cgroup";
constexpr char kCgroupRoot[] = "/sys/fs/cgroup";

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The path behind the first line of /proc/self/cgroup that has `controller`: "0::/path" for version 2 (no name),
// "4:memory:/path" for version 1.
std::string GroupOf(std::string_view controller, const std::string& groups) {
  std::ifstream file(groups);
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string_view names = std::string_view(line).substr(first + 1, second - first - 1);
    for (size_t comma = 0; comma != std::string_view::npos; names.remove_prefix(comma + 1)) {
      comma = names.find(',');
      if (names.substr(0, comma) == controller) return line.substr(second + 1);
      if (comma == std::string_view::npos) break;
    }
  }
  return {};
}

// The least of what read(folder) says for the group and all above it.
template <class Read>
auto TightestOf(const std::string& root, std::string group, Read read) {
  decltype(read(root)) tightest;
  while (true) {
    const auto here = read(root + group);
    if (here) tightest = std::min(tightest.value_or(*here), *here);
    const size_t slash = group.find_last_of('/');
    if (group.empty() || slash == std::string::npos) return tightest;
    group.resize(slash);
  }
}

std::optional<uint32_t> QuotaOfVersion2() {
  return TightestOf(kCgroupRoot, GroupOf("", kGroups),
                    [](const std::string& folder) { return CpusOfQuota(FirstLine(folder + "/cpu.max")); });
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

std::optional<uint64_t> CgroupMemoryLimit(const std::string& groups, const std::string& root) {
  // Version 1 writes "none" as the largest number of pages.
  constexpr uint64_t kNone = uint64_t{1} << 60U;
  const auto bytes_in = [](const char* name) {
    return [name](const std::string& folder) -> std::optional<uint64_t> {
      const std::string line = FirstLine(folder + name);
      std::string_view text = line;
      uint64_t bytes = 0;
      return ParseNumber(text, bytes) && bytes < kNone ? std::optional(bytes) : std::nullopt;
    };
  };
  const auto unified = TightestOf(root, GroupOf("", groups), bytes_in("/memory.max"));
  const auto own = TightestOf(root + "/memory", GroupOf("memory", groups), bytes_in("/memory.limit_in_bytes"));
  if (unified && own) return std::min(*unified, *own);
  return unified ? unified : own;
}

uint64_t ResidentBytes() {
  const std::string line = FirstLine("/proc/self/statm");
  std::string_view text = line;
  uint64_t pages = 0;
  if (!ParseNumber(text, pages) || !text.starts_with(' ')) return 0;
  text.remove_prefix(1);
  return ParseNumber(text, pages) ? pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
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
