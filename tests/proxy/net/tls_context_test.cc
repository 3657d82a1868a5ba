#include "proxy/net/tls_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <string>

#include "tests/proxy/net/tls_fixture.h"

namespace headgate::proxy::net {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class TlsContextTest : public TlsFixture {
 protected:
  // A client of OpenSSL's own, for what ours never does. Returns its error, or the version and cipher.
  std::string Plainly(TlsServerContext& server, void (*configure)(SSL*)) {
    const auto [one, two] = TcpPair();
    Peer peer(loop);
    EXPECT_TRUE(peer.transport.Attach(two));
    peer.StartServerTls(server);
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL* ssl = SSL_new(context);
    SSL_set_fd(ssl, one);
    configure(ssl);
    int result = 0;
    loop.Until([&] {
      result = SSL_connect(ssl);
      return result == 1 || SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ;
    });
    std::string outcome = std::string(SSL_get_version(ssl)) + " " + SSL_get_cipher_name(ssl);
    if (result != 1) {
      loop.Until([&] { return peer.handshake != IoStatus::kBlocked; });
      outcome = "failed: " + std::string(peer.transport.tls_error());
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    ::close(one);
    return outcome;
  }
  std::string ClientError(const routing::UpstreamTlsPolicy& policy) {
    const auto context = TlsClientContext::Build(policy, {});
    return context.ok() ? "no error" : std::string(context.status().message());
  }
  // What the client says about the server it met under `name`.
  std::string ErrorMeeting(std::string_view name, TlsClientContext& client) {
    const auto server = Server();
    Pair pair(loop);
    pair.server.StartServerTls(*server);
    pair.client.StartClientTls(client, name);
    if (!pair.client.tls_started) return std::string(pair.client.transport.tls_error());
    EXPECT_TRUE(loop.Until([&] { return pair.client.handshake != IoStatus::kBlocked; }));
    return pair.client.shaken() ? "no error" : std::string(pair.client.transport.tls_error());
  }
};

TEST_F(TlsContextTest, VersionsAndCiphersAreMozillasIntermediateOnes) {
  const auto server = Server();
  const auto version_1_1 = [](SSL* ssl) {
    SSL_set_security_level(ssl, 0);
    SSL_set_min_proto_version(ssl, TLS1_1_VERSION);
    SSL_set_max_proto_version(ssl, TLS1_1_VERSION);
    SSL_set_cipher_list(ssl, "ALL:@SECLEVEL=0");
  };
  EXPECT_THAT(Plainly(*server, version_1_1), HasSubstr("failed: unsupported protocol"));
  const auto version_1_2 = [](SSL* ssl) { SSL_set_max_proto_version(ssl, TLS1_2_VERSION); };
  EXPECT_THAT(Plainly(*server, version_1_2), HasSubstr("TLSv1.2 ECDHE-ECDSA-"));
  EXPECT_THAT(Plainly(*server, [](SSL*) {}), HasSubstr("TLSv1.3 TLS_"));
  const auto cbc = [](SSL* ssl) {
    SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    SSL_set_cipher_list(ssl, "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA");
  };
  EXPECT_THAT(Plainly(*server, cbc), HasSubstr("failed: no shared cipher"));
}

TEST_F(TlsContextTest, TheClientsOrderOfCiphersDecides) {
  const auto server = Server();
  const auto chacha = [](SSL* ssl) {
    SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    SSL_set_cipher_list(ssl, "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256");
  };
  EXPECT_EQ(Plainly(*server, chacha), "TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305");
}

TEST_F(TlsContextTest, AMinimumOf13RefusesA12Client) {
  const auto server = Server(routing::TlsVersion::kTls13);
  const auto version_1_2 = [](SSL* ssl) { SSL_set_max_proto_version(ssl, TLS1_2_VERSION); };
  EXPECT_EQ(Plainly(*server, version_1_2), "failed: unsupported protocol");
  EXPECT_THAT(Plainly(*server, [](SSL*) {}), HasSubstr("TLSv1.3"));
}

TEST_F(TlsContextTest, RenegotiationIsRefused) {
  const auto server = Server();
  const auto [one, two] = TcpPair();
  Peer peer(loop);
  ASSERT_TRUE(peer.transport.Attach(two));
  peer.StartServerTls(*server);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, one);
  SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
  ASSERT_TRUE(loop.Until([&] { return SSL_connect(ssl) == 1; }));
  ASSERT_EQ(SSL_renegotiate(ssl), 1);
  int result = 0;
  ASSERT_TRUE(loop.Until([&] {
    result = SSL_do_handshake(ssl);
    return result == 1 || SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ;
  }));
  EXPECT_NE(result, 1);
  SSL_free(ssl);
  SSL_CTX_free(context);
  ::close(one);
}

TEST_F(TlsContextTest, AlpnFollowsTheServersOrder) {
  const auto server = Server(routing::TlsVersion::kTls12, {"h2", "http/1.1"});
  const auto client = Client(true, {"http/1.1", "h2"});
  Pair pair(loop);
  ASSERT_TRUE(Shake(pair, *server, *client, "first.example"));
  EXPECT_EQ(pair.server.transport.alpn(), "h2");
}

TEST_F(TlsContextTest, AClientWithoutAlpnIsServed) {
  const auto server = Server();
  const auto client = Client(true, {});
  Pair pair(loop);
  ASSERT_TRUE(Shake(pair, *server, *client, "first.example"));
  EXPECT_EQ(pair.server.transport.alpn(), "");
}

TEST_F(TlsContextTest, AClientWithNoProtocolInCommonIsRefused) {
  const auto server = Server();
  const auto client = Client(true, {"h2"});
  Pair pair(loop);
  EXPECT_FALSE(Shake(pair, *server, *client, "first.example"));
  EXPECT_EQ(pair.client.transport.tls_error(), "tlsv1 alert no application protocol");
  EXPECT_EQ(pair.server.transport.tls_error(), "no application protocol");
}

TEST_F(TlsContextTest, SessionsAreResumedAcrossContextsWithTheSameKeys) {
  const auto one = Server();
  const auto client = Client();
  Visit(*one, *client, "first.example", false, "the first visit");
  Visit(*one, *client, "first.example", true, "the same context");
  const auto two = Server();
  Visit(*two, *client, "first.example", true, "another worker's, or the next generation's");
}

TEST_F(TlsContextTest, SessionsOfAnotherCertificateOfTheListenerAreResumedToo) {
  const auto server = Server();
  const auto client = Client();
  Visit(*server, *client, "a.wild.example", false, "the first visit");
  Visit(*server, *client, "a.wild.example", true, "the second");
}

TEST_F(TlsContextTest, TicketsSurviveTwoRotationsAndNotThree) {
  const auto server = Server();
  for (int rotations = 0; rotations <= 3; ++rotations) {
    const auto client = Client();
    Visit(*server, *client, "first.example", false, "a new client");
    for (int i = 0; i < rotations; ++i) tickets.Rotate();
    Visit(*server, *client, "first.example", rotations <= 2, std::to_string(rotations) + " rotations");
  }
}

TEST_F(TlsContextTest, ATicketOfAnOldKeyIsReplacedByOneOfTheNewest) {
  const auto server = Server();
  const auto client = Client();
  Visit(*server, *client, "first.example", false, "a new client");
  for (int i = 0; i < 3; ++i) {
    tickets.Rotate();
    tickets.Rotate();
    Visit(*server, *client, "first.example", true, "two rotations since the last visit");
  }
}

TEST_F(TlsContextTest, TicketsOfOtherKeysMeanAFullHandshake) {
  const auto server = Server();
  const auto client = Client();
  Visit(*server, *client, "first.example", false, "the first visit");
  const TicketKeys others;
  auto certificates = CertificateSet::Load(files);
  ASSERT_TRUE(certificates.ok());
  const auto restarted = TlsServerContext::Build(*certificates, routing::TlsVersion::kTls12, {}, others);
  ASSERT_TRUE(restarted.ok());
  Visit(**restarted, *client, "first.example", false, "after a restart");
}

TEST_F(TlsContextTest, ASessionIsNotOfferedUnderAnotherName) {
  const auto server = Server();
  const auto client = Client();
  Visit(*server, *client, "a.wild.example", false, "one name");
  Visit(*server, *client, "b.wild.example", false, "another name of the same certificate");
}

TEST_F(TlsContextTest, TheClientSaysWhyItDoesNotTrustAServer) {
  const auto client = Client();
  EXPECT_EQ(ErrorMeeting("first.example", *client), "no error");
  EXPECT_EQ(ErrorMeeting("127.0.0.1", *client), "no error");
  EXPECT_EQ(ErrorMeeting("other.example", *client), "hostname mismatch");
  EXPECT_EQ(ErrorMeeting("127.0.0.2", *client), "IP address mismatch");
  EXPECT_THAT(ErrorMeeting("", *client), HasSubstr("no name to verify"));
  routing::UpstreamTlsPolicy policy;
  auto with_system_store = TlsClientContext::Build(policy, {});
  ASSERT_TRUE(with_system_store.ok());
  EXPECT_EQ(ErrorMeeting("first.example", **with_system_store), "unable to get local issuer certificate");
  const auto trusting = Client(false);
  EXPECT_EQ(ErrorMeeting("other.example", *trusting), "no error");
}

TEST_F(TlsContextTest, ASelfSignedServerIsTrustedOnlyByName) {
  files.clear();
  files.push_back(TestCertificate(NamedWish({"DNS:self.example"})).WriteTo(directory, "self"));
  const auto client = Client();
  EXPECT_EQ(ErrorMeeting("self.example", *client), "self-signed certificate");
  ca_file = files.front().cert_file;
  const auto pinned = Client();
  EXPECT_EQ(ErrorMeeting("self.example", *pinned), "no error");
}

TEST_F(TlsContextTest, AnExpiredServerIsNotTrusted) {
  files.clear();
  CertificateWish wish = NamedWish({"DNS:old.example"});
  wish.not_before_seconds = -7200;
  wish.not_after_seconds = -60;
  files.push_back(TestCertificate(wish, authority.get()).WriteTo(directory, "old"));
  const auto client = Client();
  EXPECT_EQ(ErrorMeeting("old.example", *client), "certificate has expired");
}

TEST_F(TlsContextTest, AClientContextNamesTheFileThatIsWrong) {
  routing::UpstreamTlsPolicy policy;
  policy.ca_file = directory.Path("nowhere.crt");
  EXPECT_THAT(ClientError(policy), AllOf(HasSubstr(policy.ca_file), HasSubstr("No such file")));
  policy.ca_file = files[0].key_file;
  EXPECT_THAT(ClientError(policy), AllOf(HasSubstr(policy.ca_file), HasSubstr("no certificate")));
  policy.ca_file.clear();
  policy.cert_file = files[0].cert_file;
  policy.key_file = files[1].key_file;
  EXPECT_THAT(ClientError(policy), AllOf(HasSubstr(policy.key_file), HasSubstr("does not belong")));
  policy.key_file = directory.Path("nowhere.key");
  EXPECT_THAT(ClientError(policy), HasSubstr(policy.key_file));
  policy.key_file = files[0].key_file;
  EXPECT_EQ(ClientError(policy), "no error");
}

}  // namespace
}  // namespace headgate::proxy::net
