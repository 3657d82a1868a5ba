#include "proxy/net/socket_address.h"

#include <netinet/in.h>

#include <cstring>
#include <span>

namespace headgate::proxy::net {

socklen_t ToKernel(const base::SocketAddress& address, sockaddr_storage& to) noexcept {
  std::memset(&to, 0, sizeof(to));
  if (address.ip.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(to);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.ip.bytes().data() + 12, 4);
    return sizeof(sockaddr_in);
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(to);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(address.port);
  std::memcpy(&v6.sin6_addr, address.ip.bytes().data(), 16);
  return sizeof(sockaddr_in6);
}

base::SocketAddress FromKernel(const sockaddr_storage& from) noexcept {
  if (from.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
    return {base::IpAddress::V4(ntohl(v4.sin_addr.s_addr)), ntohs(v4.sin_port)};
  }
  if (from.ss_family != AF_INET6) return {};
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
  return {base::IpAddress::FromBytes(std::span<const uint8_t, 16>(v6.sin6_addr.s6_addr, 16)), ntohs(v6.sin6_port)};
}

}  // namespace headgate::proxy::net
