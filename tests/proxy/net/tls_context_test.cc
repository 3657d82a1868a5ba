#include "proxy/net/tls_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <string>

#include "proxy/net/openssl_ptr.h"
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

// One client of OpenSSL's own, as `s_client` would be told to.
struct ClientWish {
  const char* name = "shop.example";  // empty: none
  int version = TLS1_3_VERSION;
  const char* ciphers = "ALL";
  const char* schemes = nullptr;
  const char* groups = nullptr;
};

class CertificateChoiceTest : public TlsContextTest {
 protected:
  void SetUp() override {
    TlsFixture::SetUp();
    files.clear();
  }
  void Add(CertificateWish wish) {
    if (wish.names.empty()) wish.names = {"DNS:shop.example"};
    files.push_back(TestCertificate(wish, authority.get()).WriteTo(directory, std::to_string(files.size())));
  }
  // The index of the certificate that served, or the server's error. `session` is offered and replaced.
  std::string Meet(TlsServerContext& server, const ClientWish& wish, SessionPtr* session = nullptr,
                   base::WallTime now = base::SystemClock().WallNow()) {
    const auto [one, two] = TcpPair();
    Peer peer(loop);
    EXPECT_TRUE(peer.transport.Attach(two));
    peer.StartServerTls(server, now);
    const SslContextPtr context(SSL_CTX_new(TLS_client_method()));
    const SslPtr ssl(SSL_new(context.get()));
    SSL_set_fd(ssl.get(), one);
    Configure(ssl.get(), wish);
    if (session != nullptr && *session != nullptr) SSL_set_session(ssl.get(), session->get());
    int result = 0;
    loop.Until([&] {
      result = SSL_connect(ssl.get());
      return result == 1 || SSL_get_error(ssl.get(), result) != SSL_ERROR_WANT_READ;
    });
    loop.Until([&] { return peer.handshake != IoStatus::kBlocked; });
    std::string outcome(peer.transport.tls_error());
    if (result == 1) {
      ReadTicket(peer, ssl.get());
      if (session != nullptr) session->reset(SSL_get1_session(ssl.get()));
      outcome = std::to_string(peer.transport.certificate_index());
      if (SSL_session_reused(ssl.get()) == 1) {
        outcome += " resumed";
      } else {
        EXPECT_EQ(Served(ssl.get()), peer.transport.certificate_index());
      }
    }
    if (result == 1) SSL_shutdown(ssl.get());  // else the client takes its session for a bad one
    ::close(one);
    return outcome;
  }

 private:
  static void Configure(SSL* ssl, const ClientWish& wish) {
    SSL_set_min_proto_version(ssl, wish.version);
    SSL_set_max_proto_version(ssl, wish.version);
    EXPECT_EQ(SSL_set_cipher_list(ssl, wish.ciphers), 1);
    EXPECT_TRUE(wish.schemes == nullptr || SSL_set1_sigalgs_list(ssl, wish.schemes) == 1);
    EXPECT_TRUE(wish.groups == nullptr || SSL_set1_groups_list(ssl, wish.groups) == 1);
    if (*wish.name != '\0') SSL_set_tlsext_host_name(ssl, wish.name);
  }
  // Tickets of TLS 1.3 come behind the handshake.
  void ReadTicket(Peer& peer, SSL* ssl) {
    peer.Send("x");
    char byte = 0;
    EXPECT_TRUE(loop.Until([&] { return SSL_read(ssl, &byte, 1) == 1; }));
  }
  // By what the client saw.
  int Served(const SSL* ssl) const {
    const X509Ptr shown(SSL_get1_peer_certificate(ssl));
    for (size_t i = 0; i < files.size(); ++i) {
      BIO* bio = BIO_new_file(files[i].cert_file.c_str(), "r");
      const X509Ptr one(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
      BIO_free(bio);
      if (X509_cmp(one.get(), shown.get()) == 0) return static_cast<int>(i);
    }
    return -1;
  }
};

TEST_F(CertificateChoiceTest, OfOneNameTheFirstServesThatTheClientCanVerify) {
  Add({.rsa_bits = 2048});
  Add({});
  Add({.key = "P-384"});
  Add({.key = "ED25519"});
  Add({.names = {"DNS:*.wild.example"}});
  Add({.names = {"DNS:*.wild.example"}, .rsa_bits = 2048});
  const auto server = Server();
  constexpr int k12 = TLS1_2_VERSION;
  constexpr int k13 = TLS1_3_VERSION;
  constexpr char kRsaSuite[] = "ECDHE-RSA-AES128-GCM-SHA256";
  constexpr char kEcdsaSuite[] = "ECDHE-ECDSA-AES128-GCM-SHA256";
  const struct {
    ClientWish client;
    const char* outcome;
  } rows[] = {
      {{.version = k12}, "0"},
      {{.version = k13}, "0"},
      {{.version = k12, .ciphers = kRsaSuite}, "0"},
      {{.version = k12, .ciphers = kEcdsaSuite}, "1"},
      {{.version = k12, .ciphers = kEcdsaSuite, .groups = "X25519:P-384"}, "2"},
      {{.version = k12, .ciphers = kEcdsaSuite, .groups = "X25519"}, "3"},
      {{.version = k12, .ciphers = kEcdsaSuite, .schemes = "ed25519"}, "3"},
      {{.version = k12, .schemes = "ECDSA+SHA256"}, "1"},
      {{.version = k12, .schemes = "RSA+SHA256"}, "0"},
      {{.version = k13, .schemes = "ECDSA+SHA256"}, "1"},
      {{.version = k13, .schemes = "ECDSA+SHA256", .groups = "X25519"}, "1"},
      {{.version = k13, .schemes = "ECDSA+SHA256", .groups = "P-521:P-256"}, "1"},  // asked again for a key share
      {{.version = k13, .schemes = "ECDSA+SHA384"}, "2"},
      {{.version = k13, .schemes = "ed25519"}, "3"},
      {{.version = k13, .schemes = "RSA-PSS+SHA256"}, "0"},
      {{.name = "", .version = k13, .schemes = "ECDSA+SHA256"}, "1"},
      {{.name = "unknown.example", .version = k12, .ciphers = kEcdsaSuite}, "1"},
      {{.name = "a.wild.example", .version = k13}, "4"},
      {{.name = "a.wild.example", .version = k12, .ciphers = kRsaSuite}, "5"},
      {{.name = "a.wild.example", .version = k13, .schemes = "RSA-PSS+SHA256"}, "5"},
      {{.version = k13, .schemes = "ECDSA+SHA512"}, "no suitable signature algorithm"},
      {{.version = k12, .ciphers = kEcdsaSuite, .schemes = "ECDSA+SHA256", .groups = "X25519"}, "no shared cipher"},
      {{.name = "a.wild.example", .version = k13, .schemes = "ed25519"}, "no suitable signature algorithm"},
  };
  for (size_t i = 0; i < std::size(rows); ++i) EXPECT_EQ(Meet(*server, rows[i].client), rows[i].outcome) << "row " << i;
}

TEST_F(CertificateChoiceTest, AValidOneServesBeforeOneThatIsNotValidAtTheTimeOfTheHandshake) {
  Add({.not_after_seconds = 3600});
  Add({.not_before_seconds = 1800, .not_after_seconds = 7200});
  Add({.not_before_seconds = 1800, .not_after_seconds = 9000, .rsa_bits = 2048});
  const auto server = Server();
  const base::WallTime now = base::SystemClock().WallNow();
  const ClientWish any;
  const ClientWish rsa{.schemes = "RSA-PSS+SHA256"};
  EXPECT_EQ(Meet(*server, any, nullptr, now), "0");
  EXPECT_EQ(Meet(*server, rsa, nullptr, now), "2") << "none that it can verify is valid: the client may take it";
  EXPECT_EQ(Meet(*server, any, nullptr, now + std::chrono::seconds(5400)), "1");
  EXPECT_EQ(Meet(*server, any, nullptr, now + std::chrono::seconds(8000)), "2");
  EXPECT_EQ(Meet(*server, any, nullptr, now + std::chrono::seconds(9999)), "0") << "none is valid";
}

TEST_F(CertificateChoiceTest, SessionsAreResumedWhicheverCertificateTheyBeganWith) {
  Add({.rsa_bits = 2048});
  Add({});
  const auto server = Server();
  const base::WallTime later = base::SystemClock().WallNow() + std::chrono::hours(2);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const auto& [schemes, index] : {std::pair("RSA-PSS+SHA256", "0"), std::pair("ECDSA+SHA256", "1")}) {
      SCOPED_TRACE(std::string(schemes) + " " + std::to_string(version));
      const ClientWish client{.version = version, .schemes = schemes};
      SessionPtr session;
      EXPECT_EQ(Meet(*server, client, &session), index);
      EXPECT_EQ(Meet(*server, client, &session), std::string(index) + " resumed");
      EXPECT_EQ(Meet(*server, {.version = version}, &session), "0 resumed") << "it would get another certificate now";
      EXPECT_EQ(Meet(*server, client, &session, later), std::string(index) + " resumed") << "all have expired";
    }
  }
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
