// Deadlines under a clock that the test turns.
#include <gtest/gtest.h>
#include <netinet/tcp.h>

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

TEST_F(Deadline, AnUpstreamThatSaysNothingIs504AfterIdle) {
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
  for (int i = 0; i < 5; ++i) worker_.Turn(base::Duration{0});
  EXPECT_NE(registry_.Scrape(false).find("reason=\"idle_timeout\"} 1\n"), std::string::npos);
}

// A response that is under way: bytes from the upstream, and what has come to the client.
class LongDownload : public HandTurnedWorker {
 protected:
  void Begin() {
    ASSERT_GT(::send(client_, kPlainGet.data(), kPlainGet.size(), MSG_NOSIGNAL), 0);
    TurnUntilReadable(upstream_listener_);
    upstream_ = ::accept(upstream_listener_, nullptr, nullptr);
    TurnUntilReadable(upstream_);
    Give("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
  }
  void Give(std::string_view text) {
    ASSERT_GT(::send(upstream_, text.data(), text.size(), MSG_NOSIGNAL), 0);
    for (int i = 0; i < 5; ++i) Turn(std::chrono::milliseconds(1));
  }
  // What the client has now; closed: the connection has ended.
  std::string Taken(bool& closed) {
    std::string text;
    char bytes[4096];
    ssize_t got = 0;
    while ((got = ::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
      text.append(bytes, static_cast<size_t>(got));
    closed = got == 0 || errno == ECONNRESET;
    return text;
  }
};

TEST_F(LongDownload, ThatMovesIsNeverCutByDefault) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  for (int i = 0; i < 10; ++i) {
    clock_.Advance(std::chrono::seconds(50));
    ASSERT_NO_FATAL_FAILURE(Give("x"));
  }
  bool closed = true;
  EXPECT_TRUE(Taken(closed).ends_with("\r\n\r\nxxxxxxxxxx"));
  EXPECT_FALSE(closed);
}

TEST_F(LongDownload, WhoseUpstreamFallsSilentIsVisiblyCut) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  clock_.Advance(std::chrono::seconds(50));
  ASSERT_NO_FATAL_FAILURE(Give("x"));
  clock_.Advance(std::chrono::seconds(61));
  for (int i = 0; i < 5; ++i) Turn(std::chrono::milliseconds(1));
  bool closed = false;
  EXPECT_TRUE(Taken(closed).ends_with("\r\n\r\nx"));
  EXPECT_TRUE(closed);
  EXPECT_NE(registry_.Scrape(false).find("reason=\"idle_timeout\"} 1\n"), std::string::npos);
}

// Bodies may take their time: limits of the client's side are not the question here.
class SlowUpload : public HandTurnedWorker {
 protected:
  SlowUpload() { process_options_ = "limits: {bodyIdle: 1h, bodyRate: none}\n"; }
  void Send(std::string_view text) {
    ASSERT_GT(::send(client_, text.data(), text.size(), MSG_NOSIGNAL), 0);
    for (int i = 0; i < 5; ++i) Turn(std::chrono::milliseconds(1));
  }
};

TEST_F(SlowUpload, IsNotTakenForAnUpstreamsSilence) {
  ASSERT_NO_FATAL_FAILURE(Send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"));
  TurnUntilReadable(upstream_listener_);
  upstream_ = ::accept(upstream_listener_, nullptr, nullptr);
  for (const int pause : {50, 50, 200}) {
    clock_.Advance(std::chrono::seconds(pause));
    for (int i = 0; i < 5; ++i) Turn(std::chrono::milliseconds(1));
    ASSERT_NO_FATAL_FAILURE(Send("x"));
  }
  ASSERT_NO_FATAL_FAILURE(Exchange("x", kShortOk));
}

class SilentUpstream : public HandTurnedWorker {
 protected:
  SilentUpstream() { route_options_ = "    timeouts: {backendRequest: none, idle: 5s}\n"; }
  void Send(std::string_view text) {
    ASSERT_GT(::send(client_, text.data(), text.size(), MSG_NOSIGNAL), 0);
    Turns();
    if (upstream_ < 0) upstream_ = ::accept(upstream_listener_, nullptr, nullptr);
    Turns();
  }
  void Turns() {
    for (int i = 0; i < 5; ++i) Turn(std::chrono::milliseconds(1));
  }
  std::string StatusAfter(std::chrono::seconds time) {
    clock_.Advance(time);
    Turns();
    char bytes[4096];
    return ::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT) < 12 ? "" : std::string(bytes + 9, 3);
  }
};

TEST_F(SilentUpstream, Is504AfterIdleWhereBackendRequestIsNone) {
  ASSERT_NO_FATAL_FAILURE(Exchange(kPlainGet, kShortOk));
  ASSERT_NO_FATAL_FAILURE(Send(kPlainGet));
  EXPECT_EQ(StatusAfter(std::chrono::seconds(4)), "");
  EXPECT_EQ(StatusAfter(std::chrono::seconds(2)), "504");
  EXPECT_NE(registry_.Scrape(false).find("reason=\"idle_timeout\"} 1\n"), std::string::npos);
  EXPECT_NE(registry_.Scrape(false).find("upstream_requests_total{upstream=\"app\",result=\"timeout\"} 1\n"),
            std::string::npos);
}

class PatientAttempt : public SilentUpstream {
 protected:
  PatientAttempt() { route_options_ = "    timeouts: {backendRequest: 5m}\n"; }
};

TEST_F(PatientAttempt, IsNotEndedByADefaultThatIsShorterThanWhatWasWritten) {
  ASSERT_NO_FATAL_FAILURE(Exchange(kPlainGet, kShortOk));
  ASSERT_NO_FATAL_FAILURE(Send(kPlainGet));
  EXPECT_EQ(StatusAfter(std::chrono::seconds(299)), "");
  EXPECT_EQ(StatusAfter(std::chrono::seconds(2)), "504");
  EXPECT_NE(registry_.Scrape(false).find("reason=\"timeout\"} 1\n"), std::string::npos);
}

class ImpatientIdle : public SilentUpstream {
 protected:
  ImpatientIdle() { route_options_ = "    timeouts: {backendRequest: 5m, idle: 10s}\n"; }
};

TEST_F(ImpatientIdle, EndsASilentUpstreamBesideALongerBackendRequest) {
  ASSERT_NO_FATAL_FAILURE(Exchange(kPlainGet, kShortOk));
  ASSERT_NO_FATAL_FAILURE(Send(kPlainGet));
  EXPECT_EQ(StatusAfter(std::chrono::seconds(9)), "");
  EXPECT_EQ(StatusAfter(std::chrono::seconds(2)), "504");
}

TEST_F(SilentUpstream, IsNotToBlameForASilentTunnel) {
  ASSERT_NO_FATAL_FAILURE(
      Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
  constexpr std::string_view kSwitch =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
  ASSERT_GT(::send(upstream_, kSwitch.data(), kSwitch.size(), MSG_NOSIGNAL), 0);
  EXPECT_EQ(StatusAfter(std::chrono::seconds(1)), "101");
  EXPECT_EQ(StatusAfter(std::chrono::seconds(8)), "");
  EXPECT_NE(registry_.Scrape(false).find("upstream_requests_total{upstream=\"app\",result=\"ok\"} 1\n"),
            std::string::npos);
}

TEST_F(SilentUpstream, IsNotToBlameForAClientThatOwesItsBody) {
  ASSERT_NO_FATAL_FAILURE(Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab"));
  EXPECT_EQ(StatusAfter(std::chrono::seconds(8)), "");
  ASSERT_NO_FATAL_FAILURE(Send("cd"));
  EXPECT_EQ(StatusAfter(std::chrono::seconds(4)), "");
  EXPECT_EQ(StatusAfter(std::chrono::seconds(2)), "504");
}

TEST_F(Deadline, ALoopThatTurnsLateIsSeen) {
  Turn(base::Duration{0});
  clock_.Advance(std::chrono::milliseconds(30));
  Turn(base::Duration{0});
  const std::string metrics = registry_.Scrape(false);
  EXPECT_NE(metrics.find("headgate_loop_delay_seconds_sum 0.03\n"), std::string::npos);
  EXPECT_NE(metrics.find("headgate_loop_delay_seconds_count 2\n"), std::string::npos);
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

TEST_F(Deadline, ABodysTimeIsNotAddedToThatOfTheBodiesBeforeIt) {
  constexpr std::string_view kHalf = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab";
  char bytes[4096];
  for (int request = 0; request < 5; ++request) {
    ASSERT_GT(::send(client_, kHalf.data(), kHalf.size(), MSG_NOSIGNAL), 0);
    if (upstream_ < 0) {
      TurnUntilReadable(upstream_listener_);
      upstream_ = ::accept(upstream_listener_, nullptr, nullptr);
    }
    for (int i = 0; i < 5; ++i) Turn(std::chrono::milliseconds(1));
    ASSERT_GT(::recv(upstream_, bytes, sizeof(bytes), MSG_DONTWAIT), 0) << request;
    clock_.Advance(std::chrono::seconds(10));
    for (int i = 0; i < 5; ++i) Turn(std::chrono::milliseconds(1));
    ASSERT_NO_FATAL_FAILURE(Exchange("cd", kShortOk)) << request;
  }
}

TEST_F(Deadline, ARequestThatTheKernelHasWhenTheDrainClosesWhatIsIdleIsAnswered) {
  ASSERT_NO_FATAL_FAILURE(Exchange(kPlainGet, kShortOk));
  clock_.Advance(std::chrono::seconds(10));
  Turn(base::Duration{0});
  ASSERT_GT(::send(client_, kPlainGet.data(), kPlainGet.size(), MSG_NOSIGNAL), 0);
  worker_.BeginDrain();
  worker_.ShutListeners();
  TurnUntilReadable(upstream_);
  char bytes[4096];
  ASSERT_GT(::recv(upstream_, bytes, sizeof(bytes), MSG_DONTWAIT), 0);
  ASSERT_GT(::send(upstream_, kShortOk.data(), kShortOk.size(), MSG_NOSIGNAL), 0);
  TurnUntilReadable(client_);
  const ssize_t got = ::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT);
  ASSERT_GT(got, 0);
  EXPECT_NE(std::string_view(bytes, static_cast<size_t>(got)).find("connection: close"), std::string_view::npos);
}

TEST_F(Deadline, ABodyThatWasReadForNobodyLeavesNoClockBehind) {
  constexpr std::string_view kHead = "POST /x HTTP/1.1\r\nHost: nobody\r\nContent-Length: 4\r\n\r\n";
  ASSERT_GT(::send(client_, kHead.data(), kHead.size(), MSG_NOSIGNAL), 0);
  TurnUntilReadable(client_);
  char bytes[4096];
  ASSERT_GT(::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT), 0);
  for (int i = 0; i < 5; ++i) Turn(std::chrono::milliseconds(1));
  ASSERT_EQ(::send(client_, "abcd", 4, MSG_NOSIGNAL), 4);
  for (int i = 0; i < 5; ++i) Turn(std::chrono::milliseconds(1));
  clock_.Advance(std::chrono::seconds(40));  // bodyIdle is 15 s, keepAlive a minute
  for (int i = 0; i < 5; ++i) Turn(std::chrono::milliseconds(1));
  ASSERT_NO_FATAL_FAILURE(Exchange(kPlainGet, kShortOk));
}

TEST_F(Deadline, WhoBecomesIdleWhenTheOthersAreClosedIsClosedToo) {
  ASSERT_NO_FATAL_FAILURE(Exchange(kPlainGet, kShortOk));
  ASSERT_GT(::send(client_, kPlainGet.data(), kPlainGet.size(), MSG_NOSIGNAL), 0);
  TurnUntilReadable(upstream_);
  char bytes[4096];
  ASSERT_GT(::recv(upstream_, bytes, sizeof(bytes), MSG_DONTWAIT), 0);
  constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n";
  ASSERT_GT(::send(upstream_, kHead.data(), kHead.size(), MSG_NOSIGNAL), 0);
  TurnUntilReadable(client_);
  ASSERT_GT(::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT), 0);
  worker_.BeginDrain();
  worker_.ShutListeners();
  ASSERT_EQ(::send(upstream_, "ok", 2, MSG_NOSIGNAL), 2);
  TurnUntilReadable(client_);
  ASSERT_EQ(::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT), 2);
  for (int i = 0; i < 5; ++i) Turn(std::chrono::milliseconds(1));
  EXPECT_EQ(::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT), 0);
}

TEST_F(Deadline, WhatTheEndOfTheDrainResetsIsNotTheClientsFault) {
  ASSERT_NO_FATAL_FAILURE(Exchange(kPlainGet, kShortOk));
  ASSERT_GT(::send(client_, kPlainGet.data(), kPlainGet.size(), MSG_NOSIGNAL), 0);
  TurnUntilReadable(upstream_);
  worker_.Stop();
  const std::string metrics = registry_.Scrape(false);
  EXPECT_NE(metrics.find("headgate_proxy_errors_total{route=\"all\",reason=\"draining\"} 1\n"), std::string::npos);
  EXPECT_NE(metrics.find("code=\"503\""), std::string::npos);
  EXPECT_EQ(metrics.find("reason=\"client_closed\"} 1"), std::string::npos);
}

TEST_F(Deadline, AnUploadThatGoesOnBehindItsRefusalIsNotResetForTenSeconds) {
  const std::string refused = "POST /x HTTP/1.1\r\nHost: nobody\r\nContent-Length: 10000000\r\n\r\n";
  ASSERT_GT(::send(client_, refused.data(), refused.size(), MSG_NOSIGNAL), 0);
  TurnUntilReadable(client_);
  const int at_once = 1;
  ::setsockopt(client_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
  const std::string piece(1000, 'x');
  int seconds = 0;
  for (; seconds < 20 && ::send(client_, piece.data(), piece.size(), MSG_NOSIGNAL) > 0; ++seconds) {
    for (int i = 0; i < 3; ++i) Turn(std::chrono::milliseconds(1));
    clock_.Advance(std::chrono::seconds(1));
  }
  EXPECT_GE(seconds, 10);
  EXPECT_LE(seconds, 12);
}

}  // namespace
}  // namespace headgate::integration
