#include "proxy/exchange/authority.h"

#include <gtest/gtest.h>

#include "proxy/net/tls_context.h"
#include "tests/proxy/net/test_certificates.h"

namespace headgate::proxy {
namespace {

using base::ErrorCode;

class Authority : public ::testing::Test {
 protected:
  Authority() : head_((arena_.Reset(), arena_)) {}
  base::SlabPool pool_;
  base::Arena arena_{pool_};
  http::RequestHead head_;
  ClientInfo connection_;
};

TEST_F(Authority, PlainConnectionsAreNeverMisdirected) {
  head_.host = "a.example";
  EXPECT_EQ(CheckAuthority(connection_, head_).code, ErrorCode::kNone);
}

TEST_F(Authority, AnAuthorityOfAnotherCertificateIsMisdirected) {
  const net::TemporaryDirectory directory;
  const net::TestCertificate both({.names = {"DNS:a.example", "DNS:b.example", "DNS:*.a.example"}});
  const net::TestCertificate other({.names = {"DNS:c.example"}});
  const routing::CertificateFiles files[] = {both.WriteTo(directory, "both"), other.WriteTo(directory, "other")};
  const auto certificates = net::CertificateSet::Load(files);
  ASSERT_TRUE(certificates.ok()) << certificates.status().ToString();
  connection_.certificates = certificates->get();
  connection_.server_name = "a.example";
  connection_.certificate_index = 0;
  const auto judge = [&](std::string_view host) {
    head_.host = host;
    return CheckAuthority(connection_, head_).code;
  };
  EXPECT_EQ(judge("a.example"), ErrorCode::kNone);
  EXPECT_EQ(judge("b.example"), ErrorCode::kNone) << "the same certificate speaks for it";
  EXPECT_EQ(judge("x.a.example"), ErrorCode::kNone);
  EXPECT_EQ(judge("c.example"), ErrorCode::kMisdirected);
  connection_.server_name = {};
  EXPECT_EQ(judge("c.example"), ErrorCode::kNone) << "without a server name nothing is misdirected";
}

// RSA beside ECDSA: the client was shown one of them, and that one's names count.
TEST_F(Authority, AnAuthorityOfTheCertificateThatWasChosenAmongSeveralIsNotMisdirected) {
  const net::TemporaryDirectory directory;
  const net::TestCertificate rsa({.names = {"DNS:a.example", "DNS:b.example"}, .rsa_bits = 2048});
  const net::TestCertificate ecdsa({.names = {"DNS:a.example", "DNS:c.example"}});
  const routing::CertificateFiles files[] = {rsa.WriteTo(directory, "rsa"), ecdsa.WriteTo(directory, "ecdsa")};
  const auto certificates = net::CertificateSet::Load(files);
  ASSERT_TRUE(certificates.ok()) << certificates.status().ToString();
  connection_.certificates = certificates->get();
  const struct {
    int chosen;
    std::string_view server_name;
    std::string_view host;
    ErrorCode code;
  } rows[] = {
      {0, "a.example", "b.example", ErrorCode::kNone},        {1, "a.example", "b.example", ErrorCode::kMisdirected},
      {0, "a.example", "c.example", ErrorCode::kMisdirected}, {1, "a.example", "c.example", ErrorCode::kNone},
      {0, "b.example", "a.example", ErrorCode::kNone},        {1, "c.example", "a.example", ErrorCode::kNone},
      {1, "x.example", "y.example", ErrorCode::kNone},
  };
  for (const auto& row : rows) {
    connection_.certificate_index = row.chosen;
    connection_.server_name = row.server_name;
    head_.host = row.host;
    EXPECT_EQ(CheckAuthority(connection_, head_).code, row.code) << row.chosen << " " << row.host;
  }
}

}  // namespace
}  // namespace headgate::proxy
