// The file limit's shares: a client that finds no place waits visibly, an upstream connect that finds none waits too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

#include "base/log/log.h"
#include "tests/integration/hand_turned_worker.h"

namespace headgate::integration {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

class DescriptorShares : public HandTurnedWorker {
 protected:
  void SetUp() override {
    process_.shares = {.clients = 1, .upstreams = 1};
    HandTurnedWorker::SetUp();
    Turns();
  }
  void Turns() {
    for (int i = 0; i < 10; ++i) Turn(milliseconds(1));
  }
};

TEST_F(DescriptorShares, AClientThatFindsNoPlaceIsCountedAndLoggedAndAcceptedLater) {
  EXPECT_THAT(registry_.Scrape(false), HasSubstr("headgate_accept_errors_total{listener=\"web\"} 0\n"))
      << "the last place is taken, but nobody waits";
  ::testing::internal::CaptureStderr();
  const int second = ConnectTo(web_port_);
  Turns();
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(milliseconds(5));
    Turn(base::Duration{0});
  }
  base::log::Flush();
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("listener web: clients wait, the process's file limit leaves no room for another client"));
  EXPECT_EQ(log.find("clients wait"), log.rfind("clients wait")) << "once in 10 s";
  EXPECT_THAT(registry_.Scrape(false), Not(HasSubstr("headgate_accept_errors_total{listener=\"web\"} 0\n")));
  EXPECT_THAT(registry_.Scrape(false), HasSubstr("headgate_accepts_total{listener=\"web\"} 1\n"));
  ::close(std::exchange(client_, second));
  Turns();
  EXPECT_THAT(registry_.Scrape(false), HasSubstr("headgate_accepts_total{listener=\"web\"} 2\n"));
}

TEST_F(DescriptorShares, AConnectThatFindsNoDescriptorWaitsForOne) {
  process_.upstream_connections.Take();  // another worker's
  constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_GT(::send(client_, kRequest.data(), kRequest.size(), MSG_NOSIGNAL), 0);
  for (int i = 0; i < 10; ++i) {
    clock_.Advance(milliseconds(5));
    Turns();
  }
  char bytes[4096];
  EXPECT_EQ(::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT), -1) << "neither 502 nor 503";
  EXPECT_EQ(process_.pending.taken(), 1U);
  process_.upstream_connections.Give();
  clock_.Advance(milliseconds(10));
  TurnUntilReadable(upstream_listener_);
  upstream_ = ::accept(upstream_listener_, nullptr, nullptr);
  TurnUntilReadable(upstream_);
  EXPECT_EQ(process_.pending.taken(), 0U);
  constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  ::send(upstream_, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
  TurnUntilReadable(client_);
  const ssize_t got = ::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT);
  ASSERT_GT(got, 0);
  EXPECT_THAT(std::string(bytes, static_cast<size_t>(got)), HasSubstr("200 OK"));
  EXPECT_EQ(process_.upstream_connections.taken(), 1U);
  // Idle now, while a request elsewhere waits: it gives way.
  process_.pending.Take();
  clock_.Advance(std::chrono::seconds(1));
  Turns();
  EXPECT_EQ(process_.upstream_connections.taken(), 0U);
  process_.pending.Give();
}

}  // namespace
}  // namespace headgate::integration
