// TLS to the upstream: verification, its end, and what comes between messages.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/net/transport.h"
#include "tests/proxy/net/test_certificates.h"
#include "tests/proxy/upstream/upstream_fixture.h"

namespace headgate::proxy {
namespace {

using base::ErrorCode;
using metrics::ConnectionState;

// The upstream's end, speaking TLS on the same loop.
class TlsPeer final : public net::TransportOwner {
 public:
  TlsPeer(TestWorker& worker, int descriptor, net::TlsServerContext& context) : transport(worker.reactor, *this) {
    ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
    EXPECT_TRUE(transport.Attach(descriptor));
    EXPECT_TRUE(transport.StartServerTls(context));
    transport.RequestTurn();
  }
  void OnTransportReady() override {
    if (!shaken) shaken = transport.Handshake() == net::IoStatus::kOk;
    if (!shaken) return;
    char piece[4096];
    for (;;) {
      const net::IoResult result = transport.Read(piece);
      if (result.status != net::IoStatus::kOk) break;
      received.append(piece, result.bytes);
    }
  }
  void Send(std::string_view text) {
    base::Chain chain;
    chain.Append(base::Slice::Unowned(text));
    EXPECT_EQ(transport.Write(chain).status, net::IoStatus::kOk);
  }

  bool shaken = false;
  std::string received;
  net::Transport transport;
};

class H1TlsTest : public UpstreamFixture {
 protected:
  H1TlsTest() {
    net::CertificateWish wish;
    wish.names = {"DNS:shop.internal"};
    certificate = std::make_unique<net::TestCertificate>(wish);
    const std::vector<routing::CertificateFiles> files = {certificate->WriteTo(directory, "shop")};
    auto set = net::CertificateSet::Load(files);
    EXPECT_TRUE(set.ok());
    const std::vector<std::string_view> alpn = {"http/1.1"};
    server_tls = *net::TlsServerContext::Build(*std::move(set), routing::TlsVersion::kTls12, alpn, tickets);
    policy.tls.enabled = true;
    policy.tls.server_name = "shop.internal";
    policy.tls.ca_file = files[0].cert_file;
    UseTls();
  }
  void UseTls() {
    const std::vector<std::string_view> alpn = {"http/1.1"};
    client_tls = *net::TlsClientContext::Build(policy.tls, alpn);
    cluster->Configure(std::make_shared<routing::UpstreamPolicy>(policy), client_tls, series);
  }
  std::unique_ptr<TlsPeer> AcceptTls() {
    const auto accepted = server.Accept();
    return std::make_unique<TlsPeer>(worker, ::dup(accepted->descriptor()), *server_tls);
  }
  bool Get(TlsPeer& at, TestRequest& request, std::string_view response) {
    if (!worker.Until([&] { return at.received.find("\r\n\r\n") != std::string::npos || request.over(); }))
      return false;
    at.received.clear();
    at.Send(response);
    return worker.Until([&] { return request.body.size() >= 2 || request.over(); });
  }

  net::TemporaryDirectory directory;
  net::TicketKeys tickets;
  std::unique_ptr<net::TestCertificate> certificate;
  std::unique_ptr<net::TlsServerContext> server_tls;
  std::shared_ptr<net::TlsClientContext> client_tls;
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
