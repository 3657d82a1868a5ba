// A reactor on the test's thread, and connections that collect what they receive and send what they are given.
// Owned by the test.
// One thread.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "proxy/net/reactor.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/transport.h"

namespace headgate::proxy::net {

class Loop final : public TurnHooks {
 public:
  void BeginTurn(base::Instant, base::Duration) override { ++turns; }
  void EndTurn() override {}
  base::Instant NextDue() const override { return base::Instant::max(); }
  // Turns until `done` says so; false after a minute, which a busy machine under a sanitizer may need.
  template <class F>
  bool Until(F&& done) {
    const base::Instant deadline = clock.Now() + std::chrono::minutes(1);
    while (!done()) {
      if (clock.Now() > deadline) return false;
      reactor.Turn(std::chrono::milliseconds(20));
    }
    return true;
  }
  // What is ready now, until nothing is.
  void Settle() {
    for (int i = 0; i < 50; ++i) reactor.Turn(base::Duration::zero());
  }

  base::SystemClock clock;
  Reactor reactor{clock, *this};
  int turns = 0;
};

// Two connected sockets, of TCP on loopback or of the UNIX domain, non-blocking.
std::pair<int, int> TcpPair();
std::pair<int, int> UnixPair();

class Peer final : public TransportOwner {
 public:
  explicit Peer(Loop& loop) : transport(loop.reactor, *this) {}
  void OnTransportReady() override;
  void Send(std::string_view bytes);  // `bytes` outlives the peer
  void StartServerTls(TlsServerContext& context, base::WallTime now = base::SystemClock().WallNow()) {
    tls_started = transport.StartServerTls(context, now);
  }
  void StartClientTls(TlsClientContext& context, std::string_view name) {
    tls_started = transport.StartClientTls(context, name);
    if (tls_started) OnTransportReady();
  }
  bool shaken() const { return handshake == IoStatus::kOk; }
  bool over() const { return end != IoStatus::kBlocked; }

  base::SlabPool slabs;
  base::Chain incoming;
  base::Chain outgoing;
  std::string received;
  IoStatus end = IoStatus::kBlocked;        // how reading ended: kEof or kFailed
  IoStatus handshake = IoStatus::kBlocked;  // of TLS
  IoStatus last_write = IoStatus::kOk;
  bool tls_started = false;
  bool reading = true;
  bool by_span = false;  // Read instead of ReadChain
  size_t read_bytes = 65536;
  int calls = 0;
  Transport transport;  // last: it is closed before the slabs go
};

}  // namespace headgate::proxy::net
