// An upstream behind TLS: a certificate that the cluster trusts, and the upstream's end of a connection.
// Owned by gtest.
// One thread: the test's.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/transport.h"
#include "tests/proxy/net/test_certificates.h"
#include "tests/proxy/upstream/upstream_fixture.h"

namespace headgate::proxy {

// The upstream's end, speaking TLS on the same loop.
class TlsPeer final : public net::TransportOwner {
 public:
  TlsPeer(TestWorker& worker, int descriptor, net::TlsServerContext& context) : transport(worker.reactor, *this) {
    ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
    EXPECT_TRUE(transport.Attach(descriptor));
    EXPECT_TRUE(transport.StartServerTls(context, base::SystemClock().WallNow()));
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

class TlsFixture : public UpstreamFixture {
 protected:
  // What each end says by ALPN.
  TlsFixture(std::vector<std::string_view> server_alpn, std::vector<std::string_view> client_alpn)
      : client_protocols(std::move(client_alpn)) {
    net::CertificateWish wish;
    wish.names = {"DNS:shop.internal", "IP:127.0.0.1"};
    certificate = std::make_unique<net::TestCertificate>(wish);
    const std::vector<routing::CertificateFiles> files = {certificate->WriteTo(directory, "shop")};
    auto set = net::CertificateSet::Load(files);
    EXPECT_TRUE(set.ok());
    server_tls = *net::TlsServerContext::Build(*std::move(set), routing::TlsVersion::kTls12, server_alpn, tickets);
    policy.tls.enabled = true;
    policy.tls.server_name = "shop.internal";
    policy.tls.ca_file = files[0].cert_file;
    UseTls();
  }
  void UseTls() {
    client_tls = *net::TlsClientContext::Build(policy.tls, client_protocols);
    cluster->Configure(std::make_shared<routing::UpstreamPolicy>(policy), client_tls, series);
  }
  std::unique_ptr<TlsPeer> AcceptTls() {
    const auto accepted = server.Accept();
    return std::make_unique<TlsPeer>(worker, ::dup(accepted->descriptor()), *server_tls);
  }

  std::vector<std::string_view> client_protocols;
  net::TemporaryDirectory directory;
  net::TicketKeys tickets;
  std::unique_ptr<net::TestCertificate> certificate;
  std::unique_ptr<net::TlsServerContext> server_tls;
  std::shared_ptr<net::TlsClientContext> client_tls;
};

}  // namespace headgate::proxy
