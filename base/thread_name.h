// Names the calling thread, so that `top -H` and a debugger tell the threads apart.
// A function.
// Any thread.
#pragma once

#include <pthread.h>

namespace headgate::base {

/// At most 15 bytes.
template <size_t N>
void NameThisThread(const char (&name)[N]) noexcept {
  static_assert(N <= 16, "the kernel keeps 15 bytes");
  pthread_setname_np(pthread_self(), name);
}

}  // namespace headgate::base
