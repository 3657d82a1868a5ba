// Listening sockets with SO_REUSEPORT, one per worker and address.
// Owned by the Server, which lends them to its workers: closing one of several resets whoever waits in its queue.
// Open: control thread. Accept: the worker it is lent to.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ip.h"

namespace headgate::proxy::net {

class ListenSocket {
 public:
  ~ListenSocket();
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;
  // `count` sockets on one address (port 0: the kernel chooses one port for all). A trial bind without SO_REUSEPORT
  // first finds a port that another process holds. TCP_NODELAY is set and inherited. Errors name address and reason:
  // kAlreadyExists (in use), kPermissionDenied (privileged port), kInvalidArgument (no such address).
  static absl::StatusOr<std::vector<std::unique_ptr<ListenSocket>>> Open(const base::SocketAddress& address,
                                                                         bool dual_stack, size_t count);
  struct Accepted {
    int descriptor = -1;  // non-blocking, close-on-exec; -1: see `error`
    base::SocketAddress peer;
    int error = 0;  // errno: EAGAIN when nobody waits; EMFILE, ENFILE ... otherwise
  };
  Accepted Accept() noexcept;
  // Stops listening; whoever is in the queue now is reset. The worker it is lent to, right after an Accept that found
  // nobody.
  void Close() noexcept;
  int descriptor() const noexcept { return descriptor_; }
  const base::SocketAddress& address() const noexcept { return address_; }  // with the real port

 private:
  ListenSocket(int descriptor, const base::SocketAddress& address) noexcept;
  int descriptor_;
  base::SocketAddress address_;
};

// The address the kernel gave this side of a connected socket.
base::SocketAddress LocalAddressOf(int descriptor) noexcept;

}  // namespace headgate::proxy::net
