// A listener that leaves the configuration, under a clock that the test turns.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/integration/hand_turned_worker.h"

namespace headgate::integration {
namespace {

constexpr std::string_view kAsk = "GET / HTTP/1.1\r\nHost: shop.example.com\r\n\r\n";
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class Retire : public HandTurnedWorker {
 protected:
  // The listener of before is in it no more.
  void RemoveListener() {
    uint16_t port = 0;
    ::close(ListenOnLoopback(port));
    Adopt("listeners: [{name: other, address: \"127.0.0.1:" + std::to_string(port) + "\"}]\n");
  }
  void Pass(base::Duration time) {
    clock_.Advance(time);
    for (int i = 0; i < 5; ++i) worker_.Turn(base::Duration{0});
  }
};

TEST_F(Retire, AnIdleConnectionClosesAfterAGrace) {
  ASSERT_NO_FATAL_FAILURE(Exchange(kAsk, kAnswer));
  ASSERT_NO_FATAL_FAILURE(RemoveListener());
  Pass(proxy::Listener::kRetireGrace - std::chrono::milliseconds(100));
  char byte = 0;
  EXPECT_LT(::recv(client_, &byte, 1, MSG_DONTWAIT), 0);
  EXPECT_EQ(worker_.pins(), 2U) << "its next request is served as it was";
  Pass(std::chrono::seconds(1));
  EXPECT_EQ(::recv(client_, &byte, 1, MSG_DONTWAIT), 0);
  Pass(std::chrono::seconds(2));
  EXPECT_EQ(worker_.pins(), 1U);
}

TEST_F(Retire, ATunnelHoldsNoGeneration) {
  constexpr std::string_view kUpgrade =
      "GET / HTTP/1.1\r\nHost: shop.example.com\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  constexpr std::string_view kSwitch =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
  char bytes[4096];
  ASSERT_GT(::send(client_, kUpgrade.data(), kUpgrade.size(), MSG_NOSIGNAL), 0);
  TurnUntilReadable(upstream_listener_);
  upstream_ = ::accept(upstream_listener_, nullptr, nullptr);
  TurnUntilReadable(upstream_);
  ASSERT_GT(::recv(upstream_, bytes, sizeof(bytes), MSG_DONTWAIT), 0);
  ASSERT_GT(::send(upstream_, kSwitch.data(), kSwitch.size(), MSG_NOSIGNAL), 0);
  TurnUntilReadable(client_);
  ASSERT_GT(::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT), 0);
  ASSERT_EQ(std::string_view(bytes, 12), "HTTP/1.1 101");
  ASSERT_NO_FATAL_FAILURE(RemoveListener());
  Pass(proxy::Listener::kRetireGrace);
  Pass(std::chrono::seconds(2));
  EXPECT_EQ(worker_.pins(), 1U);
  ASSERT_GT(::send(upstream_, "x", 1, MSG_NOSIGNAL), 0);
  TurnUntilReadable(client_);
  EXPECT_EQ(::recv(client_, bytes, 1, MSG_DONTWAIT), 1) << "it lives on";
}

}  // namespace
}  // namespace headgate::integration
