// A blocking TCP client for tests of the process's own pages. Every wait is bounded.
// Owned by a test.
// One thread.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::control::pages {

class Peer {
 public:
  static constexpr int kPatienceMs = 60'000;

  explicit Peer(uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Peer() { ::close(descriptor_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool connected() const { return connected_; }
  bool closed() const { return closed_; }
  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  /// Everything up to and with `end`; less when the server closes or nothing comes any more.
  std::string ReadUntil(std::string_view end) {
    while (buffer_.find(end) == std::string::npos && ReadMore()) {
    }
    const size_t at = buffer_.find(end);
    return Take(at == std::string::npos ? buffer_.size() : at + end.size());
  }
  std::string ReadToEnd() {
    while (ReadMore()) {
    }
    return Take(buffer_.size());
  }

 private:
  bool ReadMore() {
    pollfd wait{.fd = descriptor_, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, kPatienceMs) <= 0) return false;
    char bytes[4096];
    const ssize_t got = ::recv(descriptor_, bytes, sizeof bytes, 0);
    closed_ = got <= 0;
    if (!closed_) buffer_.append(bytes, static_cast<size_t>(got));
    return !closed_;
  }
  std::string Take(size_t count) {
    std::string taken = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return taken;
  }

  int descriptor_;
  bool connected_ = false;
  bool closed_ = false;
  std::string buffer_;
};

}  // namespace headgate::control::pages
