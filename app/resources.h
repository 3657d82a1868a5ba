// What the machine grants this process: CPUs, threads, descriptors, and signals that must not end it.
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

/// Memory that the cgroups of this process allow, in bytes: the tightest of all levels, version 2 and 1. Nothing: no
/// limit. The paths are for tests.
std::optional<uint64_t> CgroupMemoryLimit(const std::string& groups = "/proc/self/cgroup",
                                          const std::string& root = "/sys/fs/cgroup");

/// Resident memory of this process, in bytes; 0 when /proc is not there.
uint64_t ResidentBytes();

/// The soft limit of open files becomes the hard one.
void RaiseFileLimit();

/// Opens /dev/null for each of the descriptors 0 to 2 that is closed: a socket or a file under one of these numbers
/// would receive what is meant for a terminal.
void OpenStandardStreams();

/// A write that fails says so by its error; no signal that it raises (broken pipe, file size limit, a terminal of
/// somebody else's) ends or stops the process.
void IgnoreSignalsOfWrites();

/// Why a thread could not be made: how many are needed and what limits them.
std::string ThreadsText(uint32_t workers);

}  // namespace headgate::app
