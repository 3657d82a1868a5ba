#include "tests/proxy/upstream/scripted_upstream.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace headgate::proxy {
namespace {

constexpr int kWaitMilliseconds = 2000;

bool WaitReadable(int descriptor, int wait_ms) {
  pollfd entry{descriptor, POLLIN, 0};
  return ::poll(&entry, 1, wait_ms) > 0;
}

}  // namespace

std::string ScriptedPeer::Receive(size_t bytes) {
  std::string text;
  std::array<char, 65536> piece;
  while (text.size() < bytes && WaitReadable(descriptor_, kWaitMilliseconds)) {
    const ssize_t count = ::read(descriptor_, piece.data(), piece.size());
    if (count <= 0) break;
    text.append(piece.data(), static_cast<size_t>(count));
  }
  return text;
}

std::string ScriptedPeer::ReceiveUntil(std::string_view mark) {
  std::string text;
  while (text.find(mark) == std::string::npos) {
    const std::string more = Receive();
    if (more.empty()) break;
    text += more;
  }
  return text;
}

std::string ScriptedPeer::ReceiveNow() {
  int waiting = 0;
  ::ioctl(descriptor_, FIONREAD, &waiting);
  return waiting > 0 ? Receive(static_cast<size_t>(waiting)) : std::string();
}

bool ScriptedPeer::AtEnd() {
  std::array<char, 65536> piece;
  while (WaitReadable(descriptor_, kWaitMilliseconds)) {
    const ssize_t count = ::read(descriptor_, piece.data(), piece.size());
    if (count <= 0) return true;
  }
  return false;
}

void ScriptedPeer::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::sendto(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL, nullptr, 0);
    ASSERT_GT(count, 0);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

size_t ScriptedPeer::SendSome(std::string_view bytes) {
  const ssize_t count = ::sendto(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT, nullptr, 0);
  return count > 0 ? static_cast<size_t>(count) : 0;
}

void ScriptedPeer::EndSide() { ::shutdown(descriptor_, SHUT_WR); }

void ScriptedPeer::Close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void ScriptedPeer::Reset() {
  const linger at_once{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  Close();
}

ScriptedUpstream::ScriptedUpstream() {
  descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool listening = ::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                         ::listen(descriptor_, 512) == 0 &&
                         ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  EXPECT_TRUE(listening);
  address_ = {base::IpAddress::V4(INADDR_LOOPBACK), ntohs(address.sin_port)};
}

ScriptedUpstream::~ScriptedUpstream() {
  StopListening();
  for (const int descriptor : crowd_) ::close(descriptor);
}

void ScriptedUpstream::Crowd() {
  ::listen(descriptor_, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(address_.port);
  for (int i = 0; i < 3; ++i) {
    crowd_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::connect(crowd_.back(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  }
}

void ScriptedUpstream::StopListening() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

bool ScriptedUpstream::HasVisitor() { return WaitReadable(descriptor_, 0); }

std::unique_ptr<ScriptedPeer> ScriptedUpstream::Accept() {
  if (!WaitReadable(descriptor_, kWaitMilliseconds)) return nullptr;
  const int accepted = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
  // Each Send is a segment of its own, at once.
  const int on = 1;
  ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return std::make_unique<ScriptedPeer>(accepted);
}

}  // namespace headgate::proxy
