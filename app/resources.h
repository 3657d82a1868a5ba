// What the machine grants this process: CPUs and file descriptors.
// Functions.
// Any thread; RaiseFileLimit before anything listens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::app {

/// CPUs that this process may use: affinity, and cgroup quotas rounded up (the tightest of all levels). At least 1.
uint32_t AvailableCpus();

/// cgroup v2's cpu.max: "150000 100000" is 2; nothing for "max ..." and for what is no quota.
std::optional<uint32_t> CpusOfQuota(std::string_view cpu_max);

/// The soft limit of open files becomes the hard one.
void RaiseFileLimit();

}  // namespace headgate::app
