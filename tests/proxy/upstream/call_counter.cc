#include "tests/proxy/upstream/call_counter.h"

#include <dlfcn.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <atomic>

namespace headgate::proxy {
namespace {

std::atomic<uint64_t> sends{0};
std::atomic<uint64_t> receives{0};

template <class F>
F Next(const char* name, F) noexcept {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

SocketCalls SocketCallsSoFar() noexcept { return {sends.load(), receives.load()}; }

}  // namespace headgate::proxy

extern "C" {

ssize_t send(int descriptor, const void* data, size_t size, int flags) {
  static const auto kNext = headgate::proxy::Next("send", &::send);
  headgate::proxy::sends.fetch_add(1);
  return kNext(descriptor, data, size, flags);
}

ssize_t sendmsg(int descriptor, const msghdr* message, int flags) {
  static const auto kNext = headgate::proxy::Next("sendmsg", &::sendmsg);
  headgate::proxy::sends.fetch_add(1);
  return kNext(descriptor, message, flags);
}

ssize_t recv(int descriptor, void* data, size_t size, int flags) {
  static const auto kNext = headgate::proxy::Next("recv", &::recv);
  headgate::proxy::receives.fetch_add(1);
  return kNext(descriptor, data, size, flags);
}

ssize_t readv(int descriptor, const iovec* vectors, int count) {
  static const auto kNext = headgate::proxy::Next("readv", &::readv);
  headgate::proxy::receives.fetch_add(1);
  return kNext(descriptor, vectors, count);
}

}  // extern "C"
