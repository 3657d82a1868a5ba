// A client that ends its side, or leaves, under a clock that the test turns (docs/adr/0007-half-close.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <chrono>
#include <string>
#include <string_view>

#include "tests/integration/hand_turned_worker.h"

namespace headgate::integration {
namespace {

using std::chrono::milliseconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class HalfClose : public HandTurnedWorker {
 protected:
  void Send(int descriptor, std::string_view bytes) {
    ASSERT_EQ(::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  void Turns() {
    for (int i = 0; i < 10; ++i) Turn(milliseconds(1));
  }
  // What has come by now; "<end>" behind it when the other side is done, "<reset>" when it broke off.
  static std::string Received(int descriptor) {
    std::string text;
    char bytes[4096];
    for (;;) {
      const ssize_t got = ::recv(descriptor, bytes, sizeof(bytes), MSG_DONTWAIT);
      if (got > 0) {
        text.append(bytes, static_cast<size_t>(got));
        continue;
      }
      if (got == 0) return text + "<end>";
      return errno == EAGAIN ? text : text + "<reset>";
    }
  }
  std::string ReceivedByUpstream() {
    if (upstream_ < 0) {
      TurnUntilReadable(upstream_listener_);
      upstream_ = ::accept(upstream_listener_, nullptr, nullptr);
    }
    TurnUntilReadable(upstream_);
    return Received(upstream_);
  }
  void Reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    Leave();
  }
  void Leave() {
    ::close(client_);
    client_ = -1;
    Turns();
  }
  bool CountedAsLeft() { return registry_.Scrape(false).find("reason=\"client_closed\"} 1") != std::string::npos; }
};

constexpr std::string_view kFirstGet = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kSecondGet = "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kOkAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST_F(HalfClose, AFinWithTheRequestCutsNoAnswerShort) {
  Send(client_, kFirstGet);
  ::shutdown(client_, SHUT_WR);
  EXPECT_THAT(ReceivedByUpstream(), StartsWith("GET /1 "));
  clock_.Advance(milliseconds(100));
  Turns();
  Send(upstream_, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  Turns();
  clock_.Advance(milliseconds(100));
  Send(upstream_, "world");
  Turns();
  const std::string answer = Received(client_);
  EXPECT_THAT(answer, HasSubstr("connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("helloworld<end>"));
  EXPECT_FALSE(CountedAsLeft());
}

TEST_F(HalfClose, AFinBehindABodyThatTookLongIsStillWithTheRequest) {
  Send(client_, "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
  EXPECT_THAT(ReceivedByUpstream(), StartsWith("POST /1 "));
  clock_.Advance(milliseconds(100));
  Send(client_, "cd");
  ::shutdown(client_, SHUT_WR);
  Turns();
  clock_.Advance(milliseconds(100));
  Send(upstream_, kOkAnswer);
  Turns();
  EXPECT_THAT(Received(client_), EndsWith("ok<end>"));
}

class PipelinedHalfClose : public HalfClose, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(After, PipelinedHalfClose, ::testing::Values(10, 100));

TEST_P(PipelinedHalfClose, WhatCameWithTheFinIsAnswered) {
  Send(client_, kFirstGet);
  EXPECT_THAT(ReceivedByUpstream(), StartsWith("GET /1 "));
  clock_.Advance(milliseconds(GetParam()));
  Send(client_, kSecondGet);
  ::shutdown(client_, SHUT_WR);
  Turns();
  clock_.Advance(milliseconds(100));
  Send(upstream_, kOkAnswer);
  EXPECT_THAT(ReceivedByUpstream(), StartsWith("GET /2 "));
  Send(upstream_, kOkAnswer);
  Turns();
  const std::string answers = Received(client_);
  const size_t second = answers.find("HTTP/1.1 200", 1);
  ASSERT_NE(second, std::string::npos) << answers;
  EXPECT_THAT(answers.substr(0, second), Not(HasSubstr("connection: close")));
  EXPECT_THAT(answers.substr(second), HasSubstr("connection: close\r\n"));
  EXPECT_THAT(answers, EndsWith("ok<end>"));
}

TEST_F(HalfClose, WhoLeftHasNothingMoreExecuted) {
  Send(client_, std::string(kFirstGet) + "POST /order HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na");
  EXPECT_THAT(ReceivedByUpstream(), StartsWith("GET /1 "));
  clock_.Advance(milliseconds(300));
  Leave();
  EXPECT_EQ(ReceivedByUpstream(), "<reset>");
  EXPECT_TRUE(CountedAsLeft());
  pollfd again{.fd = upstream_listener_, .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&again, 1, 0), 0);
}

TEST_F(HalfClose, ALateFinCutsNoAnswerShortThatOnlyWaitsToBeRead) {
  const int small = 4096;
  ::setsockopt(sockets_.front()->descriptor(), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
  ::close(client_);
  client_ = ConnectTo(web_port_);
  Send(client_, std::string(kFirstGet) + std::string(kSecondGet));
  EXPECT_THAT(ReceivedByUpstream(), StartsWith("GET /1 "));
  Send(upstream_, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  // Until the client's window is full.
  for (int i = 0; i < 200; ++i) {
    Send(upstream_, "8000\r\n" + std::string(0x8000, 'x') + "\r\n");
    int before = -1;
    int arrived = 0;
    for (; arrived != before; ::ioctl(client_, FIONREAD, &arrived)) {
      before = arrived;
      Turns();
    }
    if (arrived < i * 0x8000) break;
  }
  Send(upstream_, "0\r\n\r\n");
  Turns();
  clock_.Advance(milliseconds(300));
  ::shutdown(client_, SHUT_WR);
  Turns();
  std::string got;
  for (int i = 0; i < 1000 && !got.ends_with('>'); ++i) {
    got += Received(client_);
    Turn(milliseconds(1));
  }
  EXPECT_TRUE(got.ends_with("x\r\n0\r\n\r\n<end>"));
  EXPECT_FALSE(CountedAsLeft()) << "nor is the second request begun";
}

TEST_F(HalfClose, AResetIsNoHalfClose) {
  Send(client_, kFirstGet);
  EXPECT_THAT(ReceivedByUpstream(), StartsWith("GET /1 "));
  Reset();
  EXPECT_EQ(ReceivedByUpstream(), "<reset>");
  EXPECT_TRUE(CountedAsLeft());
}

TEST_F(HalfClose, WhoIsGoneBehindAHalfCloseIsNoticedWithTheFirstBytes) {
  Send(client_, kFirstGet);
  EXPECT_THAT(ReceivedByUpstream(), StartsWith("GET /1 "));
  Leave();
  EXPECT_FALSE(CountedAsLeft()) << "it may be reading still";
  Send(upstream_, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
  Turns();
  EXPECT_EQ(ReceivedByUpstream(), "<reset>");
  EXPECT_TRUE(CountedAsLeft());
}

TEST_F(HalfClose, AResetWithinABodyThatNobodyReadsIsNoticed) {
  Send(client_, "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_THAT(ReceivedByUpstream(), StartsWith("POST /1 "));
  const std::string piece(65536, 'x');
  for (int i = 0; i < 1000 && ::send(client_, piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0; ++i) {
    Turn(milliseconds(1));
  }
  Reset();
  EXPECT_TRUE(CountedAsLeft());
}

}  // namespace
}  // namespace headgate::integration
