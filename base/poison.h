// Tells address sanitizer which memory is out of use while we keep it (spare slabs, arenas after a reset).
// Stateless.
// Any thread. Does nothing in other builds.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define HG_POISONING 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HG_POISONING 1
#endif
#endif

#ifdef HG_POISONING
extern "C" void __asan_poison_memory_region(void const volatile* address, size_t size);
extern "C" void __asan_unpoison_memory_region(void const volatile* address, size_t size);
#endif

namespace headgate::base {

// Any access to these bytes from now on is an error.
inline void Poison([[maybe_unused]] const void* address, [[maybe_unused]] size_t bytes) noexcept {
#ifdef HG_POISONING
  __asan_poison_memory_region(address, bytes);
#endif
}

// They may be used again.
inline void Unpoison([[maybe_unused]] const void* address, [[maybe_unused]] size_t bytes) noexcept {
#ifdef HG_POISONING
  __asan_unpoison_memory_region(address, bytes);
#endif
}

}  // namespace headgate::base
