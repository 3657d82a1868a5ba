// A client and a server on one loop with TLS between them.
// Owned by the test.
// One thread.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/proxy/net/loop.h"
#include "tests/proxy/net/test_certificates.h"

namespace headgate::proxy::net {

inline CertificateWish NamedWish(std::vector<std::string> names) {
  CertificateWish wish;
  wish.names = std::move(names);
  return wish;
}

class TlsFixture : public testing::Test {
 protected:
  // Two connected peers, whose slabs outlive their chains.
  struct Pair {
    explicit Pair(Loop& loop) : client(loop), server(loop) {
      const auto [one, two] = TcpPair();
      EXPECT_TRUE(client.transport.Attach(one) && server.transport.Attach(two));
    }
    Peer client;
    Peer server;
  };

  void SetUp() override {
    const CertificateWish of_authority{"authority", {}, true};
    authority = std::make_unique<TestCertificate>(of_authority);
    ca_file = directory.Write("ca.crt", authority->CertificatePem());
    files.push_back(
        TestCertificate(NamedWish({"DNS:first.example", "IP:127.0.0.1"}), authority.get()).WriteTo(directory, "first"));
    files.push_back(TestCertificate(NamedWish({"DNS:*.wild.example"}), authority.get()).WriteTo(directory, "wild"));
  }

  std::unique_ptr<TlsServerContext> Server(routing::TlsVersion min_version = routing::TlsVersion::kTls12,
                                           std::vector<std::string_view> alpn = {"http/1.1"}) {
    auto certificates = CertificateSet::Load(files);
    EXPECT_TRUE(certificates.ok()) << certificates.status();
    auto context = TlsServerContext::Build(*std::move(certificates), min_version, alpn, tickets);
    EXPECT_TRUE(context.ok()) << context.status();
    return *std::move(context);
  }

  std::unique_ptr<TlsClientContext> Client(bool verify = true, std::vector<std::string_view> alpn = {"http/1.1"}) {
    routing::UpstreamTlsPolicy policy;
    policy.enabled = true;
    policy.verify = verify;
    policy.ca_file = ca_file;
    auto context = TlsClientContext::Build(policy, alpn);
    EXPECT_TRUE(context.ok()) << context.status();
    return *std::move(context);
  }

  // Shakes hands; true when both sides are content.
  bool Shake(Pair& pair, TlsServerContext& server, TlsClientContext& client, std::string_view name) {
    pair.server.StartServerTls(server);
    pair.client.StartClientTls(client, name);
    const auto decided = [](const Peer& peer) { return peer.handshake != IoStatus::kBlocked; };
    EXPECT_TRUE(loop.Until([&] { return decided(pair.client) && decided(pair.server); }));
    return pair.client.shaken() && pair.server.shaken();
  }

  // One whole connection; the client has read its tickets then.
  void Visit(TlsServerContext& server, TlsClientContext& client, std::string_view name, bool resumed,
             std::string_view why) {
    SCOPED_TRACE(why);
    Pair pair(loop);
    ASSERT_TRUE(Shake(pair, server, client, name)) << pair.client.transport.tls_error();
    EXPECT_EQ(pair.client.transport.tls_resumed(), resumed);
    EXPECT_EQ(pair.server.transport.tls_resumed(), resumed);
    pair.server.Send("bye");
    pair.server.transport.ShutdownWrite();
    ASSERT_TRUE(loop.Until([&] { return pair.client.over(); }));
    EXPECT_EQ(pair.client.received, "bye");
    EXPECT_EQ(pair.client.end, IoStatus::kEof);
  }

  Loop loop;
  TemporaryDirectory directory;
  std::unique_ptr<TestCertificate> authority;
  std::string ca_file;
  std::vector<routing::CertificateFiles> files;
  TicketKeys tickets;
};

}  // namespace headgate::proxy::net
