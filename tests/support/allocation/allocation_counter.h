// Counts what a thread takes from the heap, C libraries included: for tests that promise zero per request.
// Link headgate_allocation_counter into the test binary that wants it; nothing else changes.
// Each thread has counts of its own.
#pragma once

#include <cstdint>

namespace headgate::support {

struct AllocationCounts {
  uint64_t allocations = 0;  // malloc, calloc, realloc, aligned forms (not under GCC's tsan); operator new through them
  uint64_t bytes = 0;        // asked for
};

// The calling thread's counts since it started.
AllocationCounts AllocationsOfThisThread() noexcept;
// The sum over all threads, those that ended included.
AllocationCounts AllocationsOfProcess() noexcept;

}  // namespace headgate::support
