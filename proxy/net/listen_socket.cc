#include "proxy/net/listen_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proxy/net/socket_address.h"
#include "proxy/net/stream_options.h"

namespace headgate::proxy::net {

namespace {

// The kernel lowers it to net.core.somaxconn.
constexpr int kBacklog = 65535;
// accept may report what befell a connection that waited in the queue; the next one is tried.
constexpr int kAcceptTries = 16;

absl::Status Failure(const base::SocketAddress& address, int error) {
  const std::string where = absl::StrCat("cannot listen on ", address.ToString(), ": ");
  switch (error) {
    case EADDRINUSE:
      return absl::AlreadyExistsError(absl::StrCat(where, "another process holds this port"));
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(
          absl::StrCat(where, "permission denied (a port below 1024 needs CAP_NET_BIND_SERVICE)"));
    case EADDRNOTAVAIL:
      return absl::InvalidArgumentError(absl::StrCat(where, "this machine has no such address"));
    case EAFNOSUPPORT:
      return absl::InvalidArgumentError(absl::StrCat(where, "this machine does not speak this address family"));
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return absl::ResourceExhaustedError(absl::StrCat(where, std::strerror(error)));
    default:
      return absl::InternalError(absl::StrCat(where, std::strerror(error)));
  }
}

bool SetFlag(int descriptor, int level, int option, int value) noexcept {
  return ::setsockopt(descriptor, level, option, &value, sizeof(value)) == 0;
}

// A bound socket, or -1 with errno set.
int Bind(const base::SocketAddress& address, bool dual_stack, bool reuse_port) noexcept {
  sockaddr_storage kernel_address;
  const socklen_t length = ToKernel(address, kernel_address);
  const int descriptor = ::socket(kernel_address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  bool ok = SetFlag(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (ok && kernel_address.ss_family == AF_INET6) {
    ok = SetFlag(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, dual_stack ? 0 : 1);
  }
  if (ok && reuse_port) ok = SetFlag(descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
  if (ok) ok = ::bind(descriptor, reinterpret_cast<const sockaddr*>(&kernel_address), length) == 0;
  if (ok) return descriptor;
  const int error = errno;
  ::close(descriptor);
  errno = error;
  return -1;
}

bool IsOfTheConnection(int error) noexcept {
  return error == EINTR || error == ECONNABORTED || error == EPROTO || error == ENETDOWN || error == ENOPROTOOPT ||
         error == EHOSTDOWN || error == ENONET || error == EHOSTUNREACH || error == EOPNOTSUPP || error == ENETUNREACH;
}

// Whether a socket on `listen` gets what is sent to `ip`.
bool Takes(const ListenAddress& listen, const base::IpAddress& ip) noexcept {
  if (listen.address.ip == base::IpAddress::V4(0)) return ip.is_v4();
  if (listen.address.ip == base::IpAddress()) return listen.dual_stack || !ip.is_v4();
  return listen.address.ip == ip;
}

}  // namespace

bool ListenAddress::Overlaps(const ListenAddress& other) const noexcept {
  return address.port == other.address.port && (Takes(*this, other.address.ip) || Takes(other, address.ip));
}

ListenSocket::ListenSocket(int descriptor, const base::SocketAddress& address) noexcept
    : descriptor_(descriptor), address_(address) {}

ListenSocket::~ListenSocket() { Close(); }

void ListenSocket::Reset(int descriptor) noexcept {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(descriptor);
}

void ListenSocket::Close() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

absl::Status ListenSocket::CheckFree(const ListenAddress& wanted) {
  if (wanted.address.port == 0) return absl::OkStatus();
  const int trial = Bind(wanted.address, wanted.dual_stack, false);
  if (trial < 0) return Failure(wanted.address, errno);
  ::close(trial);
  return absl::OkStatus();
}

absl::StatusOr<ListenSocket::Sockets> ListenSocket::Open(const ListenAddress& wanted, size_t count) {
  Sockets sockets;
  base::SocketAddress address = wanted.address;
  for (size_t i = 0; i < count; ++i) {
    const int descriptor = Bind(address, wanted.dual_stack, true);
    if (descriptor < 0) return Failure(address, errno);
    address.port = LocalAddressOf(descriptor).port;
    sockets.push_back(std::unique_ptr<ListenSocket>(new ListenSocket(descriptor, address)));
    if (!SetStreamOptions(descriptor)) return Failure(address, errno);
  }
  // Only when all are bound: from listen on, connections wait in each one's queue.
  for (const auto& socket : sockets) {
    if (::listen(socket->descriptor_, kBacklog) != 0) return Failure(address, errno);
  }
  return sockets;
}

absl::StatusOr<std::unique_ptr<ListenSocket>> ListenSocket::Share(const ListenSocket& socket) {
  const int descriptor = ::fcntl(socket.descriptor_, F_DUPFD_CLOEXEC, 0);
  if (descriptor < 0) return Failure(socket.address_, errno);
  return std::unique_ptr<ListenSocket>(new ListenSocket(descriptor, socket.address_));
}

ListenSocket::Accepted ListenSocket::Accept() noexcept {
  Accepted accepted;
  for (int tries = 0; tries < kAcceptTries; ++tries) {
    sockaddr_storage peer;
    socklen_t length = sizeof(peer);
    accepted.descriptor =
        ::accept4(descriptor_, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted.descriptor >= 0) {
      accepted.peer = FromKernel(peer);
      return accepted;
    }
    if (!IsOfTheConnection(errno)) break;
  }
  accepted.error = IsOfTheConnection(errno) || errno == EWOULDBLOCK ? EAGAIN : errno;
  return accepted;
}

base::SocketAddress LocalAddressOf(int descriptor) noexcept {
  sockaddr_storage local;
  socklen_t length = sizeof(local);
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&local), &length) != 0) return {};
  return FromKernel(local);
}

}  // namespace headgate::proxy::net
