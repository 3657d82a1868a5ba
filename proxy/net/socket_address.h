// base::SocketAddress from and to the kernel's form.
// Stateless.
// Any thread.
#pragma once

#include <sys/socket.h>

#include "base/ip.h"

namespace headgate::proxy::net {

// Fills `to` and returns its length: sockaddr_in for IPv4, sockaddr_in6 else.
socklen_t ToKernel(const base::SocketAddress& address, sockaddr_storage& to) noexcept;

// "[::]:0" for families other than AF_INET and AF_INET6.
base::SocketAddress FromKernel(const sockaddr_storage& from) noexcept;

}  // namespace headgate::proxy::net
