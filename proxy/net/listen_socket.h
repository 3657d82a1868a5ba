// Listening sockets with SO_REUSEPORT, one per worker and address.
// Owned by the WorkerSet, which lends them to its workers: closing one of several resets whoever waits in its queue.
// Open: control thread. Accept: the worker it is lent to.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ip.h"

namespace headgate::proxy::net {

struct ListenAddress {
  base::SocketAddress address;
  bool dual_stack = false;  // of [::]: takes IPv4 too
  // One takes what the other listens for.
  bool Overlaps(const ListenAddress& other) const noexcept;
  bool operator==(const ListenAddress&) const = default;
};

class ListenSocket {
 public:
  ~ListenSocket();
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;
  using Sockets = std::vector<std::unique_ptr<ListenSocket>>;
  // `count` sockets on one address (port 0: the kernel chooses one port for all). Accepted ones have
  // stream_options.h's. Errors name address and reason: kAlreadyExists (in use), kPermissionDenied (privileged port),
  // kInvalidArgument (no such address).
  static absl::StatusOr<Sockets> Open(const ListenAddress& wanted, size_t count);
  // A trial bind without SO_REUSEPORT: finds a port that another process holds even if it shares it. Our own sockets on
  // an overlapping address look the same.
  static absl::Status CheckFree(const ListenAddress& wanted);
  // The same socket under another descriptor: it listens until both are closed.
  static absl::StatusOr<std::unique_ptr<ListenSocket>> Share(const ListenSocket& socket);
  struct Accepted {
    int descriptor = -1;  // non-blocking, close-on-exec; -1: see `error`
    base::SocketAddress peer;
    int error = 0;  // errno: EAGAIN when nobody waits; EMFILE, ENFILE ... otherwise
  };
  Accepted Accept() noexcept;
  // Closes what Accept gave, with a reset: nothing is left of it.
  static void Reset(int descriptor) noexcept;
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
