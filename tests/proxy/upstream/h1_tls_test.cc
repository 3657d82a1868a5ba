// TLS to the upstream: verification, its end, and what comes between messages.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "tests/proxy/upstream/tls_fixture.h"

namespace headgate::proxy {
namespace {

using base::ErrorCode;
using metrics::ConnectionState;

class H1TlsTest : public TlsFixture {
 protected:
  H1TlsTest() : TlsFixture({"http/1.1"}, {"http/1.1"}) {}
  bool Get(TlsPeer& at, TestRequest& request, std::string_view response) {
    if (!worker.Until([&] { return at.received.find("\r\n\r\n") != std::string::npos || request.over(); }))
      return false;
    at.received.clear();
    at.Send(response);
    return worker.Until([&] { return request.body.size() >= 2 || request.over(); });
  }
};

TEST_F(H1TlsTest, AVerifiedConnectionIsUsedAgainThoughTicketsCameInBetween) {
  const auto first = Request();
  first->Begin();
  const auto at = AcceptTls();
  ASSERT_TRUE(Get(*at, *first, kOk));
  EXPECT_EQ(first->body, "ok");
  worker.Settle();
  EXPECT_EQ(Gauge(ConnectionState::kIdle), 1);
  const auto second = Request();
  second->Begin();
  EXPECT_TRUE(second->attempt.reused);
  ASSERT_TRUE(Get(*at, *second, kOk));
  EXPECT_EQ(second->body, "ok");
  EXPECT_EQ(Connects(metrics::ConnectResult::kOk), 1u);
}

TEST_F(H1TlsTest, ANameThatTheCertificateLacksIsRefusedAndTheEndpointNotSetAside) {
  policy.tls.server_name = "other.internal";
  UseTls();
  const auto request = Request();
  request->Begin();
  const auto at = AcceptTls();
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamTls);
  EXPECT_EQ(request->error->retry, base::Retry::kSafe);
  EXPECT_STRNE(request->error->detail, "");
  EXPECT_EQ(Connects(metrics::ConnectResult::kTls), 1u);
  EXPECT_FALSE(endpoints->endpoints[0].shared->IsAside(worker.clock.Now()));
}

TEST_F(H1TlsTest, WithoutAServerNameTheCertificateIsVerifiedAgainstTheEndpointsAddress) {
  policy.tls.server_name.clear();
  UseTls();
  const auto request = Request();
  request->Begin();
  const auto at = AcceptTls();
  ASSERT_TRUE(Get(*at, *request, kOk));
  EXPECT_EQ(request->body, "ok");
  EXPECT_EQ(at->transport.server_name(), "") << "an address is no SNI (RFC 6066 3)";
}

TEST_F(H1TlsTest, ABodyUntilCloseEndsWithCloseNotify) {
  const auto request = Request();
  request->Begin();
  const auto at = AcceptTls();
  ASSERT_TRUE(Get(*at, *request, "HTTP/1.1 200 OK\r\n\r\nall"));
  at->transport.ShutdownWrite();
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_TRUE(request->ended);
  EXPECT_EQ(request->body, "all");
}

TEST_F(H1TlsTest, ABodyUntilCloseWithoutCloseNotifyIsAnError) {
  const auto request = Request();
  request->Begin();
  const auto at = AcceptTls();
  ASSERT_TRUE(Get(*at, *request, "HTTP/1.1 200 OK\r\n\r\ncut"));
  ::shutdown(at->transport.descriptor(), SHUT_WR);
  ASSERT_TRUE(worker.Until([&] { return request->over(); }));
  EXPECT_FALSE(request->ended);
  EXPECT_EQ(request->error->code, ErrorCode::kUpstreamReset);
}

TEST_F(H1TlsTest, ConnectTimeoutCoversTheHandshake) {
  const auto request = Request();
  request->Begin();
  const auto silent = server.Accept();
  worker.Settle();
  worker.Advance(policy.connections.connect_timeout + std::chrono::milliseconds(10));
  ASSERT_TRUE(request->error.has_value());
  EXPECT_EQ(request->error->code, ErrorCode::kConnectTimeout);
  EXPECT_STREQ(request->error->detail, "connectTimeout passed within the TLS handshake");
}

}  // namespace
}  // namespace headgate::proxy
