// Deadlines under a clock that the test turns.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/integration/hand_turned_worker.h"

namespace headgate::integration {
namespace {

using Deadline = HandTurnedWorker;

constexpr std::string_view kPlainGet = "GET / HTTP/1.1\r\nHost: shop.example.com\r\n\r\n";
constexpr std::string_view kShortOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST_F(Deadline, AnAnswerThatWaitedWhileTheProcessWasStoppedIsNotTimedOut) {
  ASSERT_NO_FATAL_FAILURE(Exchange(kPlainGet, kShortOk));
  ASSERT_GT(::send(client_, kPlainGet.data(), kPlainGet.size(), MSG_NOSIGNAL), 0);
  TurnUntilReadable(upstream_);
  char bytes[4096];
  ASSERT_GT(::recv(upstream_, bytes, sizeof(bytes), MSG_DONTWAIT), 0);
  ASSERT_GT(::send(upstream_, kShortOk.data(), kShortOk.size(), MSG_NOSIGNAL), 0);
  clock_.Advance(std::chrono::minutes(10));
  TurnUntilReadable(client_);
  const ssize_t got = ::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT);
  ASSERT_GT(got, 0);
  EXPECT_EQ(std::string_view(bytes, 15), "HTTP/1.1 200 OK");
}

TEST_F(Deadline, AnUpstreamThatSaysNothingIs504AfterBackendRequest) {
  ASSERT_NO_FATAL_FAILURE(Exchange(kPlainGet, kShortOk));
  ASSERT_GT(::send(client_, kPlainGet.data(), kPlainGet.size(), MSG_NOSIGNAL), 0);
  TurnUntilReadable(upstream_);
  clock_.Advance(std::chrono::seconds(59));
  for (int i = 0; i < 5; ++i) worker_.Turn(base::Duration{0});
  char bytes[4096];
  EXPECT_LT(::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT), 0) << "answered before the deadline";
  clock_.Advance(std::chrono::seconds(2));
  TurnUntilReadable(client_);
  ASSERT_GT(::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT), 0);
  EXPECT_EQ(std::string_view(bytes, 12), "HTTP/1.1 504");
}

TEST_F(Deadline, AnIdleClientIsClosedAfterAMinute) {
  ASSERT_NO_FATAL_FAILURE(Exchange(kPlainGet, kShortOk));
  clock_.Advance(std::chrono::seconds(59));
  for (int i = 0; i < 5; ++i) worker_.Turn(base::Duration{0});
  char byte;
  EXPECT_LT(::recv(client_, &byte, 1, MSG_DONTWAIT), 0);
  clock_.Advance(std::chrono::seconds(2));
  for (int i = 0; i < 5; ++i) worker_.Turn(base::Duration{0});
  EXPECT_EQ(::recv(client_, &byte, 1, MSG_DONTWAIT), 0);
}

}  // namespace
}  // namespace headgate::integration
