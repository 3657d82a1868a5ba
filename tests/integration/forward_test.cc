// The way of a request through a real worker: forwarding, keep-alive, framing, local answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/proxy_under_test.h"
#include "tests/integration/raw_upstream.h"

namespace headgate::integration {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Forward, AGetReachesTheUpstreamAndItsAnswerTheClient) {
  RawUpstream* self = nullptr;
  RawUpstream upstream([&self](SocketPeer& peer, int) {
    self->Remember(peer.ReadHead());
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-From: upstream\r\n\r\nhello");
    peer.ReadHead();
  });
  self = &upstream;
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  const std::string response = proxy.Ask("GET /a?b=c HTTP/1.1\r\nHost: Example.COM\r\nX-Mine: 1\r\n\r\n");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("x-from: upstream\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\n\r\nhello"));
  ASSERT_EQ(upstream.seen().size(), 1U);
  const std::string head = upstream.seen()[0];
  EXPECT_THAT(head, StartsWith("GET /a?b=c HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("host: Example.COM\r\n"));
  EXPECT_THAT(head, HasSubstr("x-mine: 1\r\n"));
  EXPECT_THAT(head, HasSubstr("x-forwarded-for: 127.0.0.1\r\n"));
  EXPECT_THAT(head, HasSubstr("x-forwarded-proto: http\r\n"));
  EXPECT_THAT(head, HasSubstr("x-request-id: "));
}

TEST(Forward, ALookAlikeOfAFieldThatTheRouteSetsOrRemovesGoesNowhere) {
  RawUpstream* self = nullptr;
  RawUpstream upstream([&self](SocketPeer& peer, int) {
    self->Remember(peer.ReadHead());
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  self = &upstream;
  ProxyUnderTest proxy(
      OneUpstream(upstream.address(), "    requestHeaders: {set: {X-User-Id: u}, remove: [x-internal]}\n"));
  proxy.Ask("GET / HTTP/1.1\r\nHost: a\r\nX_User-Id: c\r\nx_internal: c\r\nx_mine: c\r\n\r\n");
  ASSERT_EQ(upstream.seen().size(), 1U);
  EXPECT_THAT(upstream.seen()[0], HasSubstr("x-user-id: u\r\n"));
  EXPECT_THAT(upstream.seen()[0], HasSubstr("x_mine: c\r\n"));
  EXPECT_THAT(upstream.seen()[0], Not(HasSubstr("x_user-id")));
  EXPECT_THAT(upstream.seen()[0], Not(HasSubstr("x_internal")));
}

TEST(Forward, BothSidesKeepTheirConnections) {
  RawUpstream upstream(RawUpstream::Answering("ok"));
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    ASSERT_THAT(client.ReadResponse(), HasSubstr("\r\n\r\nok")) << i;
  }
  EXPECT_EQ(upstream.connections(), 1);
}

TEST(Forward, PipelinedRequestsAreAnsweredInOrder) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    for (std::string head = peer.ReadHead(); !head.empty(); head = peer.ReadHead()) {
      const std::string path = head.substr(4, head.find(' ', 4) - 4);
      peer.Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(path.size()) + "\r\n\r\n" + path);
    }
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  std::string requests;
  for (int i = 0; i < 40; ++i) requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_TRUE(client.Send(requests));
  for (int i = 0; i < 40; ++i) ASSERT_THAT(client.ReadResponse(), HasSubstr("\r\n\r\n/" + std::to_string(i)));
}

TEST(Forward, ALargeHeadBehindALargeHeadIsAnswered) {
  ProxyUnderTest proxy(
      "listeners: [{name: web, address: \"127.0.0.1:0\"}]\nroutes:\n  - {name: r, respond: {status: 200, body: hi}}\n");
  const std::string field = "X: " + std::string(10'400, 'x') + "\r\n";
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
  // More than fits one large buffer, whose rest is more than fits a slab.
  const std::string requests = start + field + field + "\r\n" + start + field + field + field + "\r\n";
  for (int i = 0; i < 20; ++i) {
    SocketPeer client = proxy.Connect();
    ASSERT_TRUE(client.Send(requests));
    ASSERT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 200 ")) << i;
    ASSERT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 200 ")) << i;
  }
}

TEST(Forward, ARefusedRequestIsCountedByItsMethod) {
  ProxyUnderTest proxy(
      "listeners: [{name: web, address: \"127.0.0.1:0\"}]\nroutes:\n  - {name: r, respond: {status: 200, body: hi}}\n");
  const auto counted = [&proxy](std::string_view method, int code) {
    const std::string number = std::to_string(code);
    return proxy.WaitMetric("headgate_requests_total{route=\"_none\",upstream=\"_none\",method=\"" +
                                std::string(method) + "\",code=\"" + number + "\",code_class=\"" + number[0] + "xx\"}",
                            1);
  };
  EXPECT_THAT(proxy.Ask("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_EQ(counted("TRACE", 405), 1);
  EXPECT_THAT(proxy.Ask("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_EQ(counted("CONNECT", 405), 1);
  EXPECT_THAT(proxy.Ask("BREW / HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 501 "));
  EXPECT_EQ(counted("OTHER", 501), 1);
  EXPECT_THAT(proxy.Ask("POST /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"),
              StartsWith("HTTP/1.1 414 "));
  EXPECT_EQ(counted("POST", 414), 1);
  EXPECT_THAT(proxy.Ask("PUT / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_EQ(counted("PUT", 431), 1);
}

TEST(Forward, AnOldRequestWithoutAHostGetsTheUpstreams) {
  RawUpstream* self = nullptr;
  RawUpstream upstream([&self](SocketPeer& peer, int) {
    self->Remember(peer.ReadHead());
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  self = &upstream;
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  EXPECT_THAT(proxy.Ask("GET / HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  ASSERT_EQ(upstream.seen().size(), 1U);
  EXPECT_THAT(upstream.seen()[0], HasSubstr("host: " + upstream.address() + "\r\n"));
  EXPECT_THAT(upstream.seen()[0], Not(HasSubstr("x-forwarded-host")));
}

TEST(Forward, AnOldRequestWithoutAHostIsNotSentInACircle) {
  ProxyUnderTest proxy(
      "listeners: [{name: web, address: \"127.0.0.1:0\"}]\nroutes:\n"
      "  - {name: away, matches: [{path: {prefix: /away}}], redirect: {scheme: https}}\n"
      "  - {name: r, redirect: {path: /there}}\n");
  EXPECT_THAT(proxy.Ask("GET /away HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(proxy.Ask("GET / HTTP/1.0\r\n\r\n"), HasSubstr("location: /there\r\n"));
}

TEST(Forward, ARedirectBehindAProxyThatEndsTlsStaysOnTheClientsScheme) {
  ProxyUnderTest proxy(
      "trustedProxies: [127.0.0.0/8]\nlisteners: [{name: web, address: \"127.0.0.1:0\", publicPort: 443}]\n"
      "routes:\n  - {name: r, redirect: {path: /new}}\n");
  EXPECT_THAT(proxy.Ask("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n\r\n"),
              HasSubstr("location: https://a/new\r\n"));
  EXPECT_THAT(proxy.Ask("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: http\r\n\r\n"),
              HasSubstr("location: http://a/new\r\n"));
}

TEST(Forward, AnUnknownRouteIs404WithTheRequestsId) {
  ProxyUnderTest proxy(
      "listeners:\n  - {name: web, address: \"127.0.0.1:0\"}\nroutes:\n  - name: ping\n    matches: [{path: {exact: "
      "/ping}}]\n"
      "    respond: {status: 200, body: pong}\n");
  EXPECT_THAT(proxy.Ask("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n"), HasSubstr("pong"));
  const std::string lost = proxy.Ask("GET /x HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n");
  EXPECT_THAT(lost, StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(lost, HasSubstr("\"request_id\":\""));
  EXPECT_EQ(proxy.WaitMetric("headgate_proxy_errors_total{route=\"_none\",reason=\"no_route\"}", 1), 1);
}

TEST(Forward, ABodyOfKnownLengthAndAChunkedOneArriveWhole) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    for (std::string head = peer.ReadHead(); !head.empty(); head = peer.ReadHead()) {
      std::string body;
      if (head.find("content-length: ") != std::string::npos) {
        body = peer.ReadBytes(static_cast<size_t>(std::atoll(head.c_str() + head.find("content-length: ") + 16)));
      } else {
        body = peer.ReadUntil("0\r\n\r\n");
      }
      const std::string size = std::to_string(body.size());
      peer.Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size.size()) + "\r\n\r\n" + size);
    }
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  const std::string body(300'000, 'x');
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + body);
  EXPECT_THAT(client.ReadResponse(), HasSubstr("\r\n\r\n300000"));
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 200"));
}

TEST(Forward, NobodyListeningIs502AndNoRetryStormFollows) {
  uint16_t port = 0;
  {
    RawUpstream gone(RawUpstream::Answering(""));
    port = gone.port();
  }
  ProxyUnderTest proxy(OneUpstream("127.0.0.1:" + std::to_string(port)));
  EXPECT_THAT(proxy.Ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 502 "));
  EXPECT_EQ(proxy.WaitMetric("headgate_upstream_retries_total{upstream=\"app\"}", 2), 2);
}

TEST(Forward, AHeadRequestGetsTheLengthAndNoBody) {
  RawUpstream upstream([](SocketPeer& peer, int) {
    while (!peer.ReadHead().empty()) peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
  });
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  for (int i = 0; i < 2; ++i) {
    client.Send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(client.ReadHead(), HasSubstr("content-length: 1234\r\n"));
  }
}

TEST(Forward, ARequestThatTheWallRefusesReachesNobody) {
  RawUpstream upstream(RawUpstream::Answering("ok"));
  ProxyUnderTest proxy(OneUpstream(upstream.address()));
  SocketPeer client = proxy.Connect();
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  const std::string response = client.ReadResponse();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(response, HasSubstr("connection: close\r\n"));
  EXPECT_TRUE(client.WaitClosed());
  EXPECT_EQ(upstream.connections(), 0);
  EXPECT_EQ(proxy.WaitMetric("headgate_requests_rejected_total{reason=\"smuggling\"}", 1), 1);
}

}  // namespace
}  // namespace headgate::integration
