// An upstream whose every byte the test decides: a listening socket on the loopback and the connections it accepted.
// Owned by a test.
// One thread: the test's. Calls wait at most two seconds for the kernel, in poll(2).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"

namespace headgate::proxy {

// The upstream's end of a connection.
class ScriptedPeer {
 public:
  explicit ScriptedPeer(int descriptor) noexcept : descriptor_(descriptor) {}
  ~ScriptedPeer() { Close(); }
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;

  // What came, at least `bytes` of it unless the peer ended its side or time is up.
  std::string Receive(size_t bytes = 1);
  // Everything up to and with `mark`.
  std::string ReceiveUntil(std::string_view mark);
  // What is there now, without waiting.
  std::string ReceiveNow();
  // True once the proxy ended its side: all that came before is dropped.
  bool AtEnd();
  void Send(std::string_view bytes);
  // As much as the socket's buffers take; returns how much.
  size_t SendSome(std::string_view bytes);
  void EndSide();
  void Close();
  void Reset();
  int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

class ScriptedUpstream {
 public:
  ScriptedUpstream();
  ~ScriptedUpstream();
  ScriptedUpstream(const ScriptedUpstream&) = delete;
  ScriptedUpstream& operator=(const ScriptedUpstream&) = delete;

  const base::SocketAddress& address() const noexcept { return address_; }
  // The next connection; null when there is none within two seconds.
  std::unique_ptr<ScriptedPeer> Accept();
  // Whether a connection waits to be accepted.
  bool HasVisitor();
  // From now on connections are refused.
  void StopListening();
  // From now on the kernel drops whoever comes: its queue is full of connections that nobody accepts.
  void Crowd();

 private:
  int descriptor_ = -1;
  std::vector<int> crowd_;
  base::SocketAddress address_;
};

}  // namespace headgate::proxy
