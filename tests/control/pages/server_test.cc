#include "control/pages/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/control/pages/peer.h"
#include "tests/control/pages/served.h"

namespace headgate::control::pages {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

boost::asio::awaitable<Response> Echo(const Request& request) {
  if (request.path == "/throw") throw std::runtime_error("a page's own mistake");
  co_return TextResponse(200, request.method + " " + request.path + " [" + request.body + "]\n");
}

const char* const kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(HttpServer, AConnectionServesOneRequestAfterTheOther) {
  const Served served(Echo);
  Peer peer(served.port());
  for (int i = 0; i < 3; ++i) {
    peer.Send("POST /a%20b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    const std::string answer = peer.ReadUntil("]\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\n\r\nPOST /a b [hi]\n"));
    EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
    EXPECT_THAT(answer, HasSubstr("no-store\r\n"));
  }
}

TEST(HttpServer, HeadIsAnsweredWithoutABodyAndTheConnectionGoesOn) {
  const Served served(Echo);
  Peer peer(served.port());
  peer.Send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(peer.ReadUntil("\r\n\r\n"), HasSubstr("Content-Length: 11\r\n"));
  peer.Send(kGet);
  EXPECT_THAT(peer.ReadUntil("]\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(HttpServer, WhatIsNotHttpIs400AndTheConnectionEnds) {
  const Served served(Echo);
  for (const char* bytes : {"nonsense\r\n\r\n", "GET /a HTTP/1.1\r\nHost : x\r\n\r\n", "GET /a b HTTP/1.1\r\n\r\n",
                            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"}) {
    Peer peer(served.port());
    peer.Send(bytes);
    const std::string answer = peer.ReadToEnd();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << bytes;
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(peer.closed());
  }
}

TEST(HttpServer, AHeadOverTheLimitIs431AndABodyOverItIs413) {
  const Served served(Echo, {.head_bytes_max = 1024, .body_bytes_max = 10});
  Peer big_head(served.port());
  big_head.Send("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(2000, 'a') + "\r\n\r\n");
  EXPECT_THAT(big_head.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
  Peer big_body(served.port());
  big_body.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n");
  EXPECT_THAT(big_body.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
  Peer fits(served.port());
  fits.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789");
  EXPECT_THAT(fits.ReadUntil("]\n"), HasSubstr("[0123456789]"));
}

TEST(HttpServer, AClientThatIsSlowWithItsRequestIsCutOff) {
  const Served served(Echo, {.read_time = std::chrono::seconds(1)});
  Peer silent(served.port());
  Peer slow(served.port());
  slow.Send("GET /a HTTP/1.1\r\nHo");
  EXPECT_EQ(slow.ReadToEnd(), "");
  EXPECT_TRUE(slow.closed());
  EXPECT_EQ(silent.ReadToEnd(), "");
  EXPECT_TRUE(silent.closed());
}

TEST(HttpServer, OneConnectionMoreThanTheLimitClosesTheOneThatHasWaitedLongest) {
  const Served served(Echo, {.connections_max = 2});
  Peer kept(served.port());
  Peer half_open(served.port());
  half_open.Send("GET /a HTTP/1.1\r\nHo");
  for (int i = 0; i < 2; ++i) {
    kept.Send(kGet);
    EXPECT_THAT(kept.ReadUntil("]\n"), StartsWith("HTTP/1.1 200"));
  }
  for (int i = 0; i < 3; ++i) {
    Peer probe(served.port());
    probe.Send(kGet);
    EXPECT_THAT(probe.ReadUntil("]\n"), StartsWith("HTTP/1.1 200")) << i;
  }
  EXPECT_EQ(half_open.ReadToEnd(), "");
  EXPECT_TRUE(half_open.closed());
}

TEST(HttpServer, WhileAllConnectionsAreBeingAnsweredAnotherIsClosedAtOnce) {
  std::atomic<int> entered{0};
  std::atomic<bool> release{false};
  const auto slow = [&](const Request& request) -> boost::asio::awaitable<Response> {
    ++entered;
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    while (!release) {
      timer.expires_after(std::chrono::milliseconds(1));
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    co_return co_await Echo(request);
  };
  const Served served(slow, {.connections_max = 2});
  Peer first(served.port());
  Peer second(served.port());
  first.Send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  second.Send(kGet);
  while (entered < 2) std::this_thread::yield();
  Peer third(served.port());
  EXPECT_EQ(third.ReadToEnd(), "");
  EXPECT_TRUE(third.closed());
  release = true;
  EXPECT_THAT(first.ReadToEnd(), HasSubstr("GET / []"));
  EXPECT_THAT(second.ReadUntil("]\n"), HasSubstr("GET /a []"));
}

TEST(HttpServer, OfAnswersThatAreNotReadTheOldestGivesWayToANewOne) {
  constexpr size_t kBytes = size_t{16} * 1024 * 1024;  // more than the kernel takes for a client that does not read
  const auto large = [](const Request& request) -> boost::asio::awaitable<Response> {
    co_return TextResponse(200, request.path == "/small" ? "fine\n" : std::string(kBytes, 'x'));
  };
  const Served served(large, {.answer_bytes_max = 2 * kBytes + kBytes / 2});
  std::vector<std::unique_ptr<Peer>> readers;
  for (int i = 0; i < 3; ++i) {
    readers.push_back(std::make_unique<Peer>(served.port()));
    readers.back()->Send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(readers.back()->ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 200 ")) << i;
    Peer probe(served.port());
    probe.Send("GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(probe.ReadUntil("fine\n"), HasSubstr("fine\n")) << i;
  }
  EXPECT_LT(readers[0]->ReadToEnd().size(), kBytes);
  EXPECT_EQ(readers[1]->ReadToEnd().size(), kBytes);
  EXPECT_EQ(readers[2]->ReadToEnd().size(), kBytes);
}

TEST(HttpServer, APageThatThrowsIs500AndSaysNothingOfIt) {
  const Served served(Echo);
  Peer peer(served.port());
  peer.Send("GET /throw HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string answer = peer.ReadUntil("internal error\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, Not(HasSubstr("mistake")));
  peer.Send(kGet);
  EXPECT_THAT(peer.ReadUntil("]\n"), StartsWith("HTTP/1.1 200")) << "the connection goes on";
}

TEST(HttpServer, WhenItClosesOpenConnectionsEndWithTheirPresentRequest) {
  Served served(Echo);
  Peer peer(served.port());
  peer.Send(kGet);
  peer.ReadUntil("]\n");
  served.Close();
  EXPECT_FALSE(Peer(served.port()).connected());
  peer.Send(kGet);
  const std::string last = peer.ReadToEnd();
  EXPECT_THAT(last, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(last, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(peer.closed());
}

TEST(HttpServer, AnAddressThatIsTakenIsAnErrorWithItsName) {
  const Served served(Echo);
  boost::asio::io_context io;
  const auto second = Server::Open(io, served.address(), Echo);
  EXPECT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(served.address().ToString()));
}

}  // namespace
}  // namespace headgate::control::pages
