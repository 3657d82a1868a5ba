// A worker that a test turns by hand on its own thread, under a clock of its own, between one client and one upstream.
// What the worker allocates in its turns is counted.
// Owned by a test.
// One thread: the test's.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/units.h"
#include "proxy/snapshot/builder.h"
#include "proxy/worker/worker.h"
#include "routing/compile/compile.h"
#include "support/allocation/allocation_counter.h"

namespace headgate::integration {

inline int ListenOnLoopback(uint16_t& port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  socklen_t size = sizeof(address);
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  ::listen(descriptor, 16);
  return descriptor;
}

inline int ConnectTo(uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  return descriptor;
}

class HandTurnedWorker : public ::testing::Test {
 protected:
  void SetUp() override {
    upstream_listener_ = ListenOnLoopback(upstream_port_);
    ::close(ListenOnLoopback(web_port_));
    const std::string text =
        process_options_ + "listeners:\n  - {name: web, address: \"127.0.0.1:" + std::to_string(web_port_) + "\", " +
        listener_options_ + "}\nupstreams:\n  app: {endpoints: [\"127.0.0.1:" + std::to_string(upstream_port_) +
        "\"], " + upstream_options_ +
        "}\nroutes:\n  - name: all\n    hostnames: [shop.example.com, a]\n"
        "    matches: [{path: {prefix: /}}]\n    backends: [{upstream: app}]\n" +
        route_options_;
    ASSERT_NO_FATAL_FAILURE(Adopt(text));
    client_ = ConnectTo(web_port_);
  }
  // Puts a configuration into force; its first listener gets a new socket.
  void Adopt(const std::string& text) {
    const config::LoadedFile file = config::LoadFile("test.yaml", text);
    ASSERT_NE(file.model, nullptr);
    config::DiagnosticList diagnostics;
    std::vector<std::string> warnings;
    auto snapshot = builder_.Build(
        routing::Compile(*file.model, snapshot_ == nullptr ? nullptr : snapshot_->compiled.get(), diagnostics), "test",
        snapshot_.get(), warnings);
    ASSERT_TRUE(snapshot.ok()) << snapshot.status();
    const routing::ListenerPolicy& listener = *(*snapshot)->listeners[0].policy;
    auto sockets = proxy::net::ListenSocket::Open({listener.address}, 1);
    ASSERT_TRUE(sockets.ok()) << sockets.status();
    sockets_.push_back(std::move(sockets->front()));
    snapshot_ = *snapshot;
    const uint64_t before = support::AllocationsOfThisThread().allocations;
    worker_.Adopt(*snapshot, {{listener.name, sockets_.back().get()}});
    swap_allocations_ = support::AllocationsOfThisThread().allocations - before;
  }
  void TearDown() override {
    worker_.Stop();
    ::close(client_);
    if (upstream_ >= 0) ::close(upstream_);
    ::close(upstream_listener_);
  }

  void Turn(base::Duration wait) {
    const uint64_t before = support::AllocationsOfThisThread().allocations;
    worker_.Turn(wait);
    allocations_ += support::AllocationsOfThisThread().allocations - before;
  }
  // Turns the worker until `descriptor` has something to read.
  void TurnUntilReadable(int descriptor) {
    pollfd wait{.fd = descriptor, .events = POLLIN, .revents = 0};
    for (int turns = 0; ::poll(&wait, 1, 0) == 0 && turns < 1000; ++turns) Turn(std::chrono::milliseconds(1));
  }
  void Exchange(std::string_view request, std::string_view response) {
    char bytes[4096];
    ASSERT_GT(::send(client_, request.data(), request.size(), MSG_NOSIGNAL), 0);
    if (upstream_ < 0) {
      TurnUntilReadable(upstream_listener_);
      upstream_ = ::accept(upstream_listener_, nullptr, nullptr);
    }
    TurnUntilReadable(upstream_);
    ASSERT_GT(::recv(upstream_, bytes, sizeof(bytes), MSG_DONTWAIT), 0);
    ASSERT_GT(::send(upstream_, response.data(), response.size(), MSG_NOSIGNAL), 0);
    TurnUntilReadable(client_);
    const ssize_t got = ::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT);
    ASSERT_GT(got, 0);
    ASSERT_EQ(std::string_view(bytes, 15), "HTTP/1.1 200 OK");
    for (int i = 0; i < 3; ++i) Turn(base::Duration{0});
  }

  std::string process_options_;  // lines
  std::string route_options_;    // lines
  std::string listener_options_ = "protocols: [http/1.1]";
  std::string upstream_options_ = "protocol: http/1.1";
  uint64_t allocations_ = 0;       // by the worker's turns, so far
  uint64_t swap_allocations_ = 0;  // by its last Adopt
  base::FakeClock clock_;
  metrics::Registry registry_{clock_};
  proxy::net::TicketKeys tickets_;
  std::shared_ptr<const proxy::Snapshot> snapshot_;
  proxy::SnapshotBuilder builder_{registry_, tickets_, 1, clock_};
  proxy::ProcessShared process_;
  metrics::Shard& shard_ = registry_.AddShard();
  metrics::AccessLogSettings log_settings_;
  metrics::AccessLogRing ring_{size_t{1} << 20U, log_settings_, shard_, registry_.Process().access_log_dropped};
  std::vector<std::unique_ptr<proxy::net::ListenSocket>> sockets_;
  proxy::Worker worker_{{.index = 0,
                         .clock = &clock_,
                         .registry = &registry_,
                         .access_log = &ring_,
                         .shard = &shard_,
                         .process = &process_}};
  int upstream_listener_ = -1;
  int upstream_ = -1;
  int client_ = -1;
  uint16_t upstream_port_ = 0;
  uint16_t web_port_ = 0;
};

}  // namespace headgate::integration
