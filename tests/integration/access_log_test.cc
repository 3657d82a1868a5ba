// What the access log says of a request that went wrong.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "tests/integration/hand_turned_worker.h"

namespace headgate::integration {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LoggedRequest : public HandTurnedWorker {
 protected:
  std::string LineOf(std::string_view request, std::string_view response) {
    EXPECT_GT(::send(client_, request.data(), request.size(), MSG_NOSIGNAL), 0);
    if (!response.empty()) {
      TurnUntilReadable(upstream_listener_);
      upstream_ = ::accept(upstream_listener_, nullptr, nullptr);
      TurnUntilReadable(upstream_);
      EXPECT_GT(::send(upstream_, response.data(), response.size(), MSG_NOSIGNAL), 0);
    }
    TurnUntilReadable(client_);
    for (int i = 0; i < 3; ++i) Turn(base::Duration{0});
    std::string line(ring_.Peek());
    ring_.Consume(line.size());
    return line;
  }
};

TEST_F(LoggedRequest, NamesTheRuleThatTheUpstreamBroke) {
  EXPECT_THAT(LineOf("GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 999 What\r\n\r\n"),
              HasSubstr("\"code\":502,\"reason\":\"upstream_protocol\",\"detail\":\"a status outside 100 to 599\""));
}

TEST_F(LoggedRequest, HasNothingToSayOfAGoodOne) {
  EXPECT_THAT(LineOf("GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
              HasSubstr("\"code\":200,\"reason\":null,\"detail\":null"));
}

TEST_F(LoggedRequest, NamesARefusedRequestAsFarAsItCanBeRead) {
  const std::string line = LineOf("TRACE /x?y HTTP/1.1\r\nHost: Shop.example.com\r\n\r\n", "");
  EXPECT_THAT(line, HasSubstr("\"method\":\"TRACE\",\"host\":\"shop.example.com\",\"path\":\"/x\""));
  EXPECT_THAT(line, HasSubstr("\"code\":405,\"reason\":\"method_not_allowed\",\"detail\":\"CONNECT or TRACE\""));
}

constexpr std::string_view kRefused =
    "POST /x HTTP/1.1\r\nHost: a\r\nX-Request-Id: chosen\r\nX-Forwarded-For: 203.0.113.9\r\n"
    "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST_F(LoggedRequest, BelievesNothingThatARefusedOneSaysOfItself) {
  const std::string line = LineOf(kRefused, "");
  EXPECT_THAT(line, HasSubstr("\"code\":400"));
  EXPECT_THAT(line, HasSubstr("\"client\":\"127.0.0.1\""));
  EXPECT_THAT(line, Not(HasSubstr("chosen")));
}

class LoggedBehindAProxy : public LoggedRequest {
 protected:
  LoggedBehindAProxy() { process_options_ = "trustedProxies: [127.0.0.0/8]\n"; }
};

TEST_F(LoggedBehindAProxy, ARefusedOneIsTheClients) {
  const std::string line = LineOf(kRefused, "");
  EXPECT_THAT(line, HasSubstr("\"code\":400"));
  EXPECT_THAT(line, HasSubstr("\"client\":\"203.0.113.9\""));
  EXPECT_THAT(line, HasSubstr("\"request_id\":\"chosen\""));
}

TEST_F(LoggedBehindAProxy, SoIsOneWhoseFieldsWereNotJudged) {
  const std::string line = LineOf("TRACE /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n", "");
  EXPECT_THAT(line, HasSubstr("\"code\":405"));
  EXPECT_THAT(line, HasSubstr("\"client\":\"203.0.113.9\""));
}

// The endpoint takes no more connections: whoever connects hangs.
class LoggedWhileConnecting : public LoggedRequest {
 protected:
  LoggedWhileConnecting() { route_options_ = "    timeouts: {backendRequest: 700ms}\n"; }
  void SetUp() override {
    LoggedRequest::SetUp();
    ::listen(upstream_listener_, 0);
    for (int& waiting : queue_) {
      waiting = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      address.sin_port = htons(upstream_port_);
      ::connect(waiting, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    }
  }
  void TearDown() override {
    for (const int waiting : queue_) ::close(waiting);
    LoggedRequest::TearDown();
  }
  void Pass(std::chrono::milliseconds time) {
    clock_.Advance(time);
    for (int i = 0; i < 5; ++i) Turn(std::chrono::milliseconds(1));
  }
  std::string HangingEndpoint() const { return "\"endpoint\":\"127.0.0.1:" + std::to_string(upstream_port_) + "\""; }

  std::array<int, 3> queue_{-1, -1, -1};
};

constexpr std::string_view kHangingGet = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr const char* kLateWhileConnecting =
    "\"code\":504,\"reason\":\"upstream_timeout\",\"detail\":\"timeouts.backendRequest passed while connecting\"";

TEST_F(LoggedWhileConnecting, NamesTheEndpointThatDidNotAnswer) {
  ASSERT_GT(::send(client_, kHangingGet.data(), kHangingGet.size(), MSG_NOSIGNAL), 0);
  Pass(std::chrono::milliseconds(1));
  Pass(std::chrono::milliseconds(800));
  const std::string line(ring_.Peek());
  EXPECT_THAT(line, HasSubstr(HangingEndpoint()));
  EXPECT_THAT(line, HasSubstr(kLateWhileConnecting));
  EXPECT_THAT(line, HasSubstr("\"upstream_ms\":null"));
}

TEST_F(LoggedWhileConnecting, NamesNotTheOneThatWasTriedBefore) {
  uint16_t busy_port = 0;
  const int busy = ListenOnLoopback(busy_port);
  ::fcntl(busy, F_SETFL, O_NONBLOCK);
  const std::string first = "{address: \"127.0.0.1:" + std::to_string(busy_port) + "\", weight: 100}";
  const std::string second = "\"127.0.0.1:" + std::to_string(upstream_port_) + "\"";
  ASSERT_NO_FATAL_FAILURE(
      Adopt("listeners: [{name: web, address: \"127.0.0.1:" + std::to_string(web_port_) +
            "\"}]\nupstreams:\n  app: {endpoints: [" + first + ", " + second +
            "]}\nroutes:\n  - {name: all, timeouts: {backendRequest: 700ms}, retry: {on: [\"503\"]}, "
            "backends: [{upstream: app}]}\n"));
  ASSERT_GT(::send(client_, kHangingGet.data(), kHangingGet.size(), MSG_NOSIGNAL), 0);
  TurnUntilReadable(busy);
  upstream_ = ::accept(busy, nullptr, nullptr);
  ::close(busy);
  ASSERT_GE(upstream_, 0);
  TurnUntilReadable(upstream_);
  constexpr std::string_view kBusy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
  ASSERT_GT(::send(upstream_, kBusy.data(), kBusy.size(), MSG_NOSIGNAL), 0);
  Pass(std::chrono::milliseconds(1));
  Pass(std::chrono::milliseconds(100));
  Pass(std::chrono::milliseconds(800));
  const std::string line(ring_.Peek());
  EXPECT_THAT(line, HasSubstr(HangingEndpoint()));
  EXPECT_THAT(line, HasSubstr(kLateWhileConnecting));
  EXPECT_THAT(line, HasSubstr("\"upstream_ms\":null"));
  EXPECT_THAT(line, HasSubstr("\"attempts\":2"));
}

}  // namespace
}  // namespace headgate::integration
