// What a client or an upstream wrote in another form than the usual one is read as what it means.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/hand_turned_worker.h"
#include "tests/integration/proxy_under_test.h"
#include "tests/integration/raw_upstream.h"

namespace headgate::integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class EventStream : public HandTurnedWorker {
 protected:
  EventStream() { route_options_ = "    timeouts: {backendRequest: 2s, idle: 60s}\n"; }
  std::string ReceivedByClient() {
    char bytes[4096];
    TurnUntilReadable(client_);
    const ssize_t got = ::recv(client_, bytes, sizeof(bytes), MSG_DONTWAIT);
    return got > 0 ? std::string(bytes, static_cast<size_t>(got)) : std::string("<end>");
  }
};

TEST_F(EventStream, IsNotCutHoweverItsTypeIsWritten) {
  Exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream ;charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n");
  clock_.Advance(std::chrono::seconds(3));
  for (int i = 0; i < 5; ++i) Turn(base::Duration{0});
  ASSERT_GT(::send(upstream_, "3\r\none\r\n", 8, MSG_NOSIGNAL), 0);
  EXPECT_THAT(ReceivedByClient(), HasSubstr("one"));
}

TEST(Reading, AStickyCookieIsSecureWhereTheClientCameByHttps) {
  RawUpstream upstream(RawUpstream::Answering("ok"));
  ProxyUnderTest proxy(
      OneUpstream(upstream.address(), "    sticky: {by: cookie, name: hg}\n", "trustedProxies: [127.0.0.1/32]\n"));
  const auto ask = [&proxy](const std::string& fields) {
    return proxy.Ask("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
  };
  EXPECT_THAT(ask("X-Forwarded-Proto: https\r\n"), HasSubstr("SameSite=Lax; Secure\r\n"));
  EXPECT_THAT(ask("X-Forwarded-Proto: WSS, http\r\n"), HasSubstr("SameSite=Lax; Secure\r\n"));
  EXPECT_THAT(ask("X-Forwarded-Proto: http\r\n"), AllOf(HasSubstr("SameSite=Lax"), Not(HasSubstr("Secure"))));
  EXPECT_THAT(ask(""), AllOf(HasSubstr("SameSite=Lax"), Not(HasSubstr("Secure"))));
}

TEST(Reading, AQueryIsForwardedWithItsBodyAndSentAgainAsAGetIs) {
  RawUpstream* self = nullptr;
  RawUpstream upstream([&self](SocketPeer& peer, int connection) {
    const std::string head = peer.ReadHead();
    self->Remember(head + peer.ReadBytes(5));
    if (connection == 0) return;  // closed without an answer
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  self = &upstream;
  ProxyUnderTest proxy(
      OneUpstream(upstream.address(), "    matches: [{method: QUERY}]\n    retry: {on: [reset], backoff: 1ms}\n"));
  EXPECT_THAT(proxy.Ask("QUERY /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"), StartsWith("HTTP/1.1 200 "));
  ASSERT_EQ(upstream.seen().size(), 2U);
  EXPECT_THAT(upstream.seen()[1], AllOf(StartsWith("QUERY /a HTTP/1.1\r\n"), HasSubstr("\r\n\r\nhello")));
  EXPECT_EQ(
      proxy.WaitMetric(
          "headgate_requests_total{route=\"all\",upstream=\"app\",method=\"OTHER\",code=\"200\",code_class=\"2xx\"}",
          1),
      1);
}

TEST(Reading, NoByteLeadsAroundARule) {
  RawUpstream upstream(RawUpstream::Answering("ok"));
  ProxyUnderTest proxy("listeners: [{name: web, address: \"127.0.0.1:0\"}]\nupstreams: {app: {endpoints: [\"" +
                       upstream.address() +
                       "\"]}}\nroutes:\n  - {name: barred, matches: [{headers: [{name: x-t, regex: \".*evil.*\"}]}, "
                       "{queryParams: [{name: t, regex: \".*evil.*\"}]}], respond: {status: 403}}\n"
                       "  - {name: all, backends: [{upstream: app}]}\n");
  for (const char* request :
       {"GET / HTTP/1.1\r\nHost: a\r\nX-T: \xe9"
        "evil\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-T: evil\xc3\r\n\r\n", "GET /?t=%0Aevil HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /?t=%e9evil%00 HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    EXPECT_THAT(proxy.Ask(request), StartsWith("HTTP/1.1 403 ")) << request;
  }
  EXPECT_THAT(proxy.Ask(kGet), StartsWith("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace headgate::integration
