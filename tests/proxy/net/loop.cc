#include "tests/proxy/net/loop.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <vector>

#include "base/check.h"

namespace headgate::proxy::net {

std::pair<int, int> TcpPair() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  HG_CHECK(::bind(listener, any, length) == 0 && ::listen(listener, 1) == 0);
  HG_CHECK(::getsockname(listener, any, &length) == 0);
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  HG_CHECK(::connect(client, any, length) == 0);
  const int on = 1;
  HG_CHECK(::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
  HG_CHECK(::fcntl(client, F_SETFL, O_NONBLOCK) == 0);
  const int server = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  HG_CHECK(server >= 0);
  ::close(listener);
  return {client, server};
}

std::pair<int, int> UnixPair() {
  int both[2];
  HG_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) == 0);
  return {both[0], both[1]};
}

void Peer::Send(std::string_view bytes) {
  outgoing.Append(base::Slice::Unowned(bytes));
  OnTransportReady();
}

void Peer::OnTransportReady() {
  ++calls;
  if (transport.ConnectResult() != IoStatus::kOk) return;
  if (tls_started && handshake == IoStatus::kBlocked) {
    handshake = transport.Handshake();
  }
  if (tls_started && handshake != IoStatus::kOk) return;
  while (reading && !over() && transport.maybe_readable()) {
    IoResult result;
    if (by_span) {
      std::vector<char> buffer(read_bytes);
      result = transport.Read(buffer);
      received.append(buffer.data(), result.bytes);
    } else {
      result = transport.ReadChain(slabs, incoming, read_bytes);
      for (size_t i = 0; i < incoming.slices(); ++i) received.append(incoming[i].view());
      incoming.Clear();
    }
    if (result.status == IoStatus::kBlocked) break;
    if (result.status != IoStatus::kOk) end = result.status;
  }
  if (!outgoing.empty()) last_write = transport.Write(outgoing).status;
}

}  // namespace headgate::proxy::net
