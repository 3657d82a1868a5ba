#include "proxy/net/stream_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace headgate::proxy::net {
namespace {

// Bytes that the kernel takes beyond what is on its way. More would hide for minutes that a slow peer still reads, and
// is memory that it holds.
constexpr int kUnsentBytesMax = 128 * 1024;

bool Set(int descriptor, int level, int option, int value) noexcept {
  return ::setsockopt(descriptor, level, option, &value, sizeof(value)) == 0;
}

}  // namespace

bool SetStreamOptions(int descriptor) noexcept {
  return Set(descriptor, IPPROTO_TCP, TCP_NODELAY, 1) &&
         Set(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentBytesMax);
}

}  // namespace headgate::proxy::net
