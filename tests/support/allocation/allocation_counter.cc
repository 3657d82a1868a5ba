#include "support/allocation/allocation_counter.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HG_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HG_SANITIZED 1
#endif
#endif

namespace headgate::support {
namespace {

// Without constructors: the first malloc of a thread comes before anything could run.
thread_local constinit AllocationCounts mine;
constinit std::atomic<uint64_t> all_allocations{0};
constinit std::atomic<uint64_t> all_bytes{0};

void Count(size_t bytes) noexcept {
  ++mine.allocations;
  mine.bytes += bytes;
  all_allocations.fetch_add(1, std::memory_order_relaxed);
  all_bytes.fetch_add(bytes, std::memory_order_relaxed);
}

}  // namespace

AllocationCounts AllocationsOfThisThread() noexcept { return mine; }

AllocationCounts AllocationsOfProcess() noexcept {
  return {all_allocations.load(std::memory_order_relaxed), all_bytes.load(std::memory_order_relaxed)};
}

}  // namespace headgate::support

#ifdef HG_SANITIZED

// A sanitizer has an allocator of its own, which offers this hook.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, size_t),
                                                         void (*on_free)(const volatile void*));

namespace {

void OnMalloc(const volatile void* /*block*/, size_t bytes) { headgate::support::Count(bytes); }
void OnFree(const volatile void* /*block*/) {}
[[maybe_unused]] const int kInstalled = __sanitizer_install_malloc_and_free_hooks(OnMalloc, OnFree);

}  // namespace

#else

// The program's definitions win over glibc's, for the libraries that it loads as well; glibc's own stay reachable under
// these names.
extern "C" {

void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* block, size_t bytes);
void* __libc_memalign(size_t align, size_t bytes);

void* malloc(size_t bytes) noexcept {
  headgate::support::Count(bytes);
  return __libc_malloc(bytes);
}

void* calloc(size_t count, size_t bytes) noexcept {
  headgate::support::Count(count * bytes);
  return __libc_calloc(count, bytes);
}

void* realloc(void* block, size_t bytes) noexcept {
  headgate::support::Count(bytes);
  return __libc_realloc(block, bytes);
}

void* aligned_alloc(size_t align, size_t bytes) noexcept {
  headgate::support::Count(bytes);
  return __libc_memalign(align, bytes);
}

void* memalign(size_t align, size_t bytes) noexcept {
  headgate::support::Count(bytes);
  return __libc_memalign(align, bytes);
}

int posix_memalign(void** block, size_t align, size_t bytes) noexcept {
  headgate::support::Count(bytes);
  void* taken = __libc_memalign(align, bytes);
  if (taken == nullptr) return ENOMEM;
  *block = taken;
  return 0;
}

}  // extern "C"

#endif
