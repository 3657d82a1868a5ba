// An upstream whose every byte a test decides: a listening socket and one thread per connection running a script.
// Owned by a test.
// The script runs on threads of its own; counters are atomic.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/socket_peer.h"

namespace headgate::integration {

class RawUpstream {
 public:
  // Called once for each connection with its number, from 0; the connection closes when it returns.
  using Script = std::function<void(SocketPeer& peer, int connection)>;

  explicit RawUpstream(Script script);
  ~RawUpstream();
  RawUpstream(const RawUpstream&) = delete;
  RawUpstream& operator=(const RawUpstream&) = delete;

  // Answers every request on every connection with 200 and this body; heads are remembered.
  static RawUpstream::Script Answering(std::string body);

  uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }
  // Stops listening: new connections are refused. Those that exist go on.
  void StopListening();

  // What the script of Answering saw, or what a script adds with Remember.
  void Remember(std::string text);
  std::vector<std::string> seen() const;

 private:
  void AcceptLoop();
  Script script_;
  int listener_;
  uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> seen_;
  std::list<std::unique_ptr<SocketPeer>> peers_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace headgate::integration
