#include "tests/integration/raw_upstream.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace headgate::integration {

RawUpstream::RawUpstream(Script script) : script_(std::move(script)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  socklen_t size = sizeof(address);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  ::listen(listener_, 128);
  acceptor_ = std::thread([this] { AcceptLoop(); });
}

RawUpstream::~RawUpstream() {
  StopListening();
  {
    const std::lock_guard lock(mutex_);
    for (auto& peer : peers_) peer->Abort();
  }
  for (std::thread& thread : threads_) thread.join();
}

void RawUpstream::StopListening() {
  stopping_ = true;
  if (acceptor_.joinable()) acceptor_.join();
  if (listener_ >= 0) ::close(std::exchange(listener_, -1));
}

void RawUpstream::AcceptLoop() {
  while (!stopping_) {
    pollfd wait{.fd = listener_, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, 20) <= 0) continue;
    const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) continue;
    const std::lock_guard lock(mutex_);
    SocketPeer* peer = peers_.emplace_back(std::make_unique<SocketPeer>(descriptor)).get();
    const int number = connections_++;
    threads_.emplace_back([this, peer, number] {
      script_(*peer, number);
      const std::lock_guard closing(mutex_);
      peer->Close();
    });
  }
}

RawUpstream::Script RawUpstream::Answering(std::string body) {
  return [body = std::move(body)](SocketPeer& peer, int) {
    const std::string response =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\nX-From: upstream\r\n\r\n" + body;
    while (!peer.ReadHead().empty()) peer.Send(response);
  };
}

void RawUpstream::Remember(std::string text) {
  const std::lock_guard lock(mutex_);
  seen_.push_back(std::move(text));
}

std::vector<std::string> RawUpstream::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

}  // namespace headgate::integration
