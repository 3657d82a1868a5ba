// What becomes of a request when its upstream refuses, resets, stalls or breaks HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/integration/proxy_under_test.h"
#include "tests/integration/raw_upstream.h"

namespace headgate::integration {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kPostOfFour = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
constexpr const char* kRetryAll =
    "    retry: {attempts: 2, on: [connectFailure, reset, timeout, \"503\"], backoff: 1ms}\n";

std::string Answer(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(UpstreamFailure, AResetBeforeTheAnswerIsRetriedForAGet) {
  RawUpstream upstream([](SocketPeer& peer, int connection) {
    peer.ReadHead();
    if (connection == 0) return peer.Reset();
    peer.Send(Answer("second"));
    peer.ReadHead();
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address(), kRetryAll));
  EXPECT_THAT(proxy.Ask(kGet), HasSubstr("second"));
  EXPECT_EQ(upstream.connections(), 2);
}

// What a test of retries by default sends, and how often the upstream then sees it.
struct MethodCase {
  const char* head;
  const char* body;
  int times;
};
constexpr MethodCase kMethods[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", 2},
    {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n", "body", 2},
    {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "", 2},
    {"OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n", "", 2},
    {"QUERY / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n", "body", 2},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n", "body", 1},
    {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n", "body", 1},
    {"PATCH / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n", "body", 1},
    {"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", "", 1},
};

// How often `one` arrives whole at an upstream that ends its first connection without an answer.
int TimesSeen(const MethodCase& one, bool reset, std::string_view route_keys) {
  std::atomic<int> seen{0};
  RawUpstream upstream([&](SocketPeer& peer, int connection) {
    peer.ReadHead();
    const std::string_view body(one.body);
    EXPECT_EQ(peer.ReadBytes(body.size()), body);
    ++seen;
    if (connection == 0) return reset ? peer.Reset() : peer.Close();
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    peer.WaitClosed();
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address(), route_keys));
  SocketPeer client = proxy.Connect();
  client.Send(std::string(one.head) + one.body);
  const std::string answer = client.ReadHead();
  EXPECT_THAT(answer, StartsWith(seen == 2 ? "HTTP/1.1 200 " : "HTTP/1.1 502 ")) << one.head;
  return seen;
}

TEST(UpstreamFailure, ByDefaultSafeMethodsAreSentAgainAndNoOther) {
  for (const MethodCase& one : kMethods) {
    for (const bool reset : {true, false}) EXPECT_EQ(TimesSeen(one, reset, ""), one.times) << one.head << reset;
  }
}

TEST(UpstreamFailure, RetryNoneTakesTheDefaultAway) {
  EXPECT_EQ(TimesSeen(kMethods[0], true, "    retry: none\n"), 1);
  EXPECT_EQ(TimesSeen(kMethods[0], false, "    retry: none\n"), 1);
  EXPECT_EQ(TimesSeen(kMethods[0], true, "    retry: {on: [connectFailure]}\n"), 1);
}

TEST(UpstreamFailure, APostIsSentTwiceOnlyWhereTheUserNamesIt) {
  EXPECT_EQ(TimesSeen(kMethods[5], true, "    retry: {methods: [GET, POST]}\n"), 2);
}

TEST(UpstreamFailure, NoRetryOnceAByteOfTheResponseCame) {
  for (const char* begun : {"H", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"}) {
    RawUpstream upstream([begun](SocketPeer& peer, int connection) {
      peer.ReadHead();
      if (connection > 0) return peer.Close();
      peer.Send(begun);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // that the bytes are read before the reset
      peer.Reset();
    });
    ProxyUnderTest proxy(OneUpstream(upstream.address(), kRetryAll));
    SocketPeer client = proxy.Connect();
    client.Send(kGet);
    EXPECT_THAT(client.ReadUntil("HTTP/1.1 502 "), HasSubstr("HTTP/1.1 502 ")) << begun;
    EXPECT_EQ(upstream.connections(), 1) << begun;
  }
}

TEST(UpstreamFailure, ABudgetOfZeroAllowsNoRetryAndAnyOtherAtLeastThree) {
  std::atomic<int> arrived{0};
  std::atomic<int> waiting{0};
  RawUpstream upstream([&](SocketPeer& peer, int connection) {
    peer.ReadHead();
    ++arrived;
    while (connection >= 4 && arrived < 8) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (connection < 8) return peer.Reset();
    ++waiting;
    peer.ReadHead();
  });
  const auto budget = [&](const std::string& percent) {
    return OneUpstream(upstream.address(), "    retry: {on: [reset], backoff: 1ms, budget: " + percent + "}\n");
  };
  ProxyUnderTest proxy(budget("0%"));
  for (int i = 0; i < 4; ++i) EXPECT_THAT(proxy.Ask(kGet), StartsWith("HTTP/1.1 502 "));
  EXPECT_EQ(upstream.connections(), 4);
  proxy.Publish(budget("1%"));
  std::vector<SocketPeer> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(proxy.Connect());
  for (SocketPeer& client : clients) client.Send(kGet);
  EXPECT_EQ(proxy.WaitMetric("headgate_upstream_retries_total{upstream=\"app\"}", 3), 3);
  for (int i = 0; i < 500 && waiting < 3; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(waiting, 3);
  EXPECT_EQ(upstream.connections(), 11) << "the fourth was not tried again";
  EXPECT_EQ(proxy.WaitMetric("headgate_upstream_retry_budget_exhausted_total{upstream=\"app\"}", 5), 5);
}

TEST(UpstreamFailure, APostThatArrivedIsNotSentAgain) {
  std::atomic<int> posts{0};
  RawUpstream upstream([&posts](SocketPeer& peer, int) {
    peer.ReadUntil("body");
    ++posts;
    peer.Reset();
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address(), kRetryAll));
  EXPECT_THAT(proxy.Ask(kPostOfFour), StartsWith("HTTP/1.1 502 "));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(posts, 1);
}

TEST(UpstreamFailure, AnIdleConnectionThatDiedCostsNoRequest) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    if (peer.ReadHead().empty()) return;
    peer.Send(Answer("once"));
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  for (int i = 0; i < 20; ++i) {
    client.Send(kGet);
    ASSERT_THAT(client.ReadResponse(), HasSubstr("once")) << i;
  }
}

TEST(UpstreamFailure, ABodyIsReplayedOnTheNextAttempt) {
  RawUpstream* self = nullptr;
  RawUpstream upstream([&self](SocketPeer& peer, int connection) {
    peer.ReadUntil("0123456789");
    if (connection == 0) {
      peer.Send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    self->Remember("whole");
    peer.Send(Answer("done"));
    peer.ReadHead();
  });
  self = &upstream;
  ProxyUnderTest proxy(
      OneUpstream(upstream.address(), "    retry: {attempts: 2, on: [\"503\"], methods: [PUT], backoff: 1ms}\n"));
  EXPECT_THAT(proxy.Ask("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789"), HasSubstr("done"));
  EXPECT_EQ(upstream.seen().size(), 1U);
}

TEST(UpstreamFailure, AnOrdinary503IsPassedOn) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    while (!peer.ReadHead().empty()) peer.Send("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  const std::string response = proxy.Ask(kGet);
  EXPECT_THAT(response, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(response, HasSubstr("busy"));
}

TEST(UpstreamFailure, BackendRequestPassingIs504AndClosesTheConnection) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    peer.ReadHead();
    peer.WaitClosed();
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address(), "    timeouts: {backendRequest: 100ms}\n"));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(proxy.Ask(kGet), StartsWith("HTTP/1.1 504 "));
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, std::chrono::milliseconds(95));
  EXPECT_LT(took, std::chrono::seconds(5));
  EXPECT_EQ(proxy.WaitMetric("headgate_upstream_requests_total{upstream=\"app\",result=\"timeout\"}", 1), 1);
}

TEST(UpstreamFailure, AResponseThatBreaksHttpIs502) {
  for (const char* bad : {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "garbage\r\n\r\n",
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n",
                          "HTTP/1.1 200 OK\r\nbad header\r\n\r\n"}) {
    RawUpstream upstream([bad](SocketPeer& peer, int) {
      peer.ReadHead();
      peer.Send(bad);
      peer.WaitClosed(2000);
    });
    ProxyUnderTest proxy(OneUpstream(upstream.address()));
    EXPECT_THAT(proxy.Ask(kGet), StartsWith("HTTP/1.1 502 ")) << bad;
  }
}

TEST(UpstreamFailure, ABodyCutShortIsVisiblyCutForTheClient) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  client.Send(kGet);
  const std::string response = client.ReadAll();
  EXPECT_THAT(response, Not(HasSubstr("0\r\n\r\n")));
  EXPECT_TRUE(client.closed());
}

TEST(UpstreamFailure, ABodyCutShortIsAResetForAnOldClient) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  client.Send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  client.ReadAll();
  EXPECT_TRUE(client.was_reset());
}

TEST(UpstreamFailure, MoreBodyThanAnnouncedIsCutOffAndTheConnectionClosed) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokEXTRA");
    peer.WaitClosed(3000);
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  for (int i = 0; i < 2; ++i) {
    client.Send(kGet);
    const std::string response = client.ReadResponse();
    EXPECT_THAT(response, HasSubstr("\r\n\r\nok"));
    EXPECT_THAT(response, Not(HasSubstr("EXTRA")));
  }
  EXPECT_EQ(upstream.connections(), 2);
}

TEST(UpstreamFailure, AnEndpointThatRefusesIsLeftForAnother) {
  RawUpstream good(RawUpstream::Answering("good"));
  uint16_t refusing = 0;
  {
    RawUpstream gone(RawUpstream::Answering(""));
    refusing = gone.port();
  }
  ProxyUnderTest proxy(
      "listeners: [{name: web, address: \"127.0.0.1:0\"}]\nupstreams:\n  app: {endpoints: [\"127.0.0.1:" +
      std::to_string(refusing) + "\", \"" + good.address() +
      "\"]}\nroutes:\n  - {name: all, backends: [{upstream: app}]}\n");
  for (int i = 0; i < 20; ++i) ASSERT_THAT(proxy.Ask(kPostOfFour), HasSubstr("good")) << i;
  EXPECT_LE(proxy.Metric("headgate_upstream_connects_total{upstream=\"app\",result=\"refused\"}"), 2);
}

TEST(UpstreamFailure, AClientThatLeavesFreesTheUpstream) {
  std::atomic<bool> closed{false};
  RawUpstream upstream([&closed](SocketPeer& peer, int) {
    peer.ReadHead();
    closed = peer.WaitClosed();
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  {
    SocketPeer client = proxy.Connect();
    client.Send(kGet);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  EXPECT_EQ(
      proxy.WaitMetric(
          "headgate_requests_total{route=\"all\",upstream=\"app\",method=\"GET\",code=\"499\",code_class=\"4xx\"}", 1),
      1);
  for (int i = 0; i < 200 && !closed; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(closed);
}

TEST(UpstreamFailure, AClientThatOnlyEndsItsSideStillGetsItsAnswer) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    peer.ReadHead();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    peer.Send(Answer("late"));
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  client.Send(kGet);
  client.ShutdownWrite();
  EXPECT_THAT(client.ReadAll(), HasSubstr("late"));
}

}  // namespace
}  // namespace headgate::integration
