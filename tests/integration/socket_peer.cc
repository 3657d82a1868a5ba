#include "tests/integration/socket_peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <utility>

namespace headgate::integration {

SocketPeer::SocketPeer(int descriptor) : descriptor_(descriptor) {}
SocketPeer::SocketPeer(SocketPeer&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), buffer_(std::move(other.buffer_)) {}
SocketPeer::~SocketPeer() { Close(); }

SocketPeer SocketPeer::Connect(uint16_t port, int receive_buffer) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer > 0) ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    ::close(descriptor);
    return SocketPeer(-1);
  }
  return SocketPeer(descriptor);
}

bool SocketPeer::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool SocketPeer::ReadMore(int patience_ms) {
  if (closed_ || descriptor_ < 0) return false;
  pollfd wait{.fd = descriptor_, .events = POLLIN, .revents = 0};
  if (::poll(&wait, 1, patience_ms) <= 0) return false;
  char bytes[65536];
  const ssize_t got = ::recv(descriptor_, bytes, sizeof(bytes), 0);
  if (got <= 0) {
    closed_ = true;
    reset_ = got < 0 && errno == ECONNRESET;
    return false;
  }
  buffer_.append(bytes, static_cast<size_t>(got));
  return true;
}

std::string SocketPeer::ReadUntil(std::string_view text, int patience_ms) {
  size_t at = buffer_.find(text);
  while (at == std::string::npos && ReadMore(patience_ms)) at = buffer_.find(text);
  if (at == std::string::npos) return std::exchange(buffer_, {});
  std::string taken = buffer_.substr(0, at + text.size());
  buffer_.erase(0, at + text.size());
  return taken;
}

std::string SocketPeer::ReadBytes(size_t bytes, int patience_ms) {
  while (buffer_.size() < bytes && ReadMore(patience_ms)) {
  }
  std::string taken = buffer_.substr(0, bytes);
  buffer_.erase(0, taken.size());
  return taken;
}

std::string SocketPeer::ReadAll(int patience_ms) {
  while (ReadMore(patience_ms)) {
  }
  return std::exchange(buffer_, {});
}

std::string SocketPeer::ReadResponse() {
  std::string response = ReadHead();
  const size_t length_at = response.find("content-length: ");
  if (length_at != std::string::npos) {
    return response + ReadBytes(static_cast<size_t>(std::atoll(response.c_str() + length_at + 16)));
  }
  if (response.find("transfer-encoding: chunked") != std::string::npos) {
    response += buffer_.starts_with("0\r\n") ? ReadUntil("0\r\n\r\n") : ReadUntil("\r\n0\r\n\r\n");
  }
  return response;
}

bool SocketPeer::WaitClosed(int patience_ms) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
  while (!closed_) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    ReadMore(static_cast<int>(left.count()));
  }
  return true;
}

void SocketPeer::ShutdownWrite() { ::shutdown(descriptor_, SHUT_WR); }

void SocketPeer::Abort() {
  if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_RDWR);
}

void SocketPeer::Close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void SocketPeer::Reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  Close();
}

}  // namespace headgate::integration
