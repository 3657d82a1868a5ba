#include "control/certificate_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/units.h"
#include "tests/proxy/net/test_certificates.h"

namespace headgate::control {
namespace {

using config::Code;
using config::Severity;
using CertificateDirectory = proxy::net::TemporaryDirectory;
using proxy::net::TestCertificate;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct CertificateCheckTest : ::testing::Test {
  CertificateCheckTest() {
    shop.WriteTo(directory, "shop");
    old.WriteTo(directory, "old");
    directory.Write("junk.pem", "not a certificate\n");
  }
  const config::DiagnosticList& Check(const std::string& text) {
    file = config::LoadFile("headgate.yaml", text, directory.Path(""));
    EXPECT_NE(file.model, nullptr);
    problems = {};
    if (file.model != nullptr) CheckCertificates(*file.model, problems);
    return problems;
  }
  // A listener on line 1 with one certificate: certFile and keyFile are on lines 5 and 6.
  static std::string Listener(const std::string& certificate, const std::string& key) {
    return "listeners:\n  - name: web\n    address: 127.0.0.1:1\n    tls: {certificates: [{\n      certFile: " +
           certificate + ",\n      keyFile: " + key + "}]}\n";
  }
  std::string Path(const std::string& name) const { return directory.Path(name); }

  CertificateDirectory directory;
  TestCertificate shop{{.common_name = "shop", .names = {"DNS:shop.example.com", "DNS:*.example.com"}}};
  TestCertificate old{{.common_name = "old",
                       .names = {"DNS:old.example.com"},
                       .not_before_seconds = -7200,
                       .not_after_seconds = -3600}};
  config::LoadedFile file;
  config::DiagnosticList problems;
};

TEST_F(CertificateCheckTest, AGoodPairIsNoProblem) {
  EXPECT_TRUE(Check(Listener("shop.crt", "shop.key")).items().empty());
}

TEST_F(CertificateCheckTest, AMissingOrBrokenCertificateIsShownWhereItIsNamed) {
  for (const char* name : {"missing.crt", "junk.pem"}) {
    ASSERT_EQ(Check(Listener(name, "shop.key")).items().size(), 1U) << name;
    const config::Diagnostic& problem = problems.items()[0];
    EXPECT_EQ(problem.severity, Severity::kError);
    EXPECT_EQ(problem.code, Code::kCertificateMissing) << problem.message;
    EXPECT_EQ(problem.at.line, 5U);
    EXPECT_THAT(problem.message, HasSubstr(Path(name)));
  }
}

TEST_F(CertificateCheckTest, AMissingBrokenOrForeignKeyIsShownWhereItIsNamed) {
  for (const char* name : {"missing.key", "junk.pem", "old.key"}) {
    ASSERT_EQ(Check(Listener("shop.crt", name)).items().size(), 1U) << name;
    const config::Diagnostic& problem = problems.items()[0];
    EXPECT_EQ(problem.code, Code::kCertificateKey) << problem.message;
    EXPECT_EQ(problem.at.line, 6U);
    EXPECT_THAT(problem.message, HasSubstr(Path(name)));
  }
}

TEST_F(CertificateCheckTest, BothFilesOfAPairAreShownEachWhereItIsNamed) {
  ASSERT_EQ(Check(Listener("missing.crt", "missing.key")).items().size(), 2U);
  EXPECT_EQ(problems.items()[0].code, Code::kCertificateMissing);
  EXPECT_EQ(problems.items()[0].at.line, 5U);
  EXPECT_EQ(problems.items()[1].code, Code::kCertificateKey);
  EXPECT_EQ(problems.items()[1].at.line, 6U);
}

TEST_F(CertificateCheckTest, AnUpstreamsThreeFilesAreShownAtOnce) {
  Check(
      "listeners: [{name: web, address: \"127.0.0.1:1\"}]\n"
      "upstreams: {shop: {endpoints: [\"127.0.0.1:2\"], tls: {caFile: no.ca, certFile: no.crt, keyFile: no.key}}}\n");
  ASSERT_EQ(problems.items().size(), 3U);
  for (const auto& [index, name] : {std::pair{0, "no.ca"}, std::pair{1, "no.crt"}, std::pair{2, "no.key"}}) {
    EXPECT_THAT(problems.items()[static_cast<size_t>(index)].message, HasSubstr(name));
  }
}

TEST_F(CertificateCheckTest, AnExpiredCertificateIsAWarningOnly) {
  ASSERT_EQ(Check(Listener("old.crt", "old.key")).items().size(), 1U);
  EXPECT_EQ(problems.items()[0].code, Code::kCertificateExpired);
  EXPECT_EQ(problems.items()[0].severity, Severity::kWarning);
  EXPECT_FALSE(problems.HasErrors());
}

TEST_F(CertificateCheckTest, ACertificateThatIsNeverChosenIsAWarningWhereItIsNamed) {
  const auto listener = [](const std::string& second) {
    return "listeners:\n  - name: web\n    address: 127.0.0.1:1\n    tls:\n      certificates:\n"
           "        - {certFile: shop.crt, keyFile: shop.key}\n        - {certFile: " +
           second + ".crt, keyFile: " + second + ".key}\n";
  };
  TestCertificate({.names = {"DNS:shop.example.com"}, .rsa_bits = 2048}).WriteTo(directory, "rsa");
  EXPECT_TRUE(Check(listener("rsa")).items().empty()) << "for clients that know no ECDSA";
  ASSERT_EQ(Check(listener("shop")).items().size(), 1U);
  EXPECT_EQ(problems.items()[0].code, Code::kCertificateUnused);
  EXPECT_EQ(problems.items()[0].severity, Severity::kWarning);
  EXPECT_EQ(problems.items()[0].at.line, 7U);
  EXPECT_THAT(problems.items()[0].message, HasSubstr(Path("shop.crt") + " is before it"));
}

TEST_F(CertificateCheckTest, AWildcardThatCoversLessThanARoutesIsAWarningAtTheRoute) {
  const std::string routes =
      "routes:\n"
      "  - {name: wide, hostnames: [\"*.Example.com\"], respond: {status: 200}}\n"
      "  - {name: narrow, hostnames: [shop.example.com], respond: {status: 200}}\n";
  ASSERT_EQ(Check(Listener("shop.crt", "shop.key") + routes).items().size(), 1U);
  EXPECT_EQ(problems.items()[0].code, Code::kCertificateWildcard);
  EXPECT_EQ(problems.items()[0].at.line, 8U);
  EXPECT_THAT(problems.items()[0].message, HasSubstr("listener 'web'"));
}

TEST_F(CertificateCheckTest, AWildcardRouteOfAnotherListenerIsNoConcernOfTheCertificate) {
  const std::string rest =
      "  - {name: plain, address: \"127.0.0.1:2\"}\n"
      "routes: [{name: wide, listeners: [plain], hostnames: [\"*.example.com\"], respond: {status: 200}}]\n";
  EXPECT_TRUE(Check(Listener("shop.crt", "shop.key") + rest).items().empty());
}

TEST_F(CertificateCheckTest, AnUpstreamsFilesAreCheckedEachWhereItIsNamed) {
  const auto check = [&](const std::string& tls) -> const config::DiagnosticList& {
    return Check(
        "listeners: [{name: web, address: \"127.0.0.1:1\"}]\nupstreams:\n  shop:\n    endpoints: [\"127.0.0.1:2\"]\n" +
        tls);
  };
  EXPECT_TRUE(check("    tls: {caFile: shop.crt, certFile: shop.crt, keyFile: shop.key}\n").items().empty());
  ASSERT_EQ(check("    tls: {caFile: missing.crt}\n").items().size(), 1U);
  EXPECT_EQ(problems.items()[0].code, Code::kCertificateMissing);
  EXPECT_THAT(problems.items()[0].message, HasSubstr(Path("missing.crt")));
  ASSERT_EQ(check("    tls: {certFile: missing.crt, keyFile: shop.key}\n").items().size(), 1U);
  EXPECT_EQ(problems.items()[0].code, Code::kCertificateMissing);
  ASSERT_EQ(check("    tls: {certFile: shop.crt, keyFile: old.key}\n").items().size(), 1U);
  EXPECT_EQ(problems.items()[0].code, Code::kCertificateKey) << problems.items()[0].message;
}

TEST_F(CertificateCheckTest, AnUnreadableTokenIsShownWhereItIsNamed) {
  const std::string text =
      "listeners: [{name: web, address: \"127.0.0.1:1\"}]\nadmin: {address: \"127.0.0.1:3\", tokenFile: none}\n";
  ASSERT_EQ(Check(text).items().size(), 1U);
  EXPECT_EQ(problems.items()[0].at.line, 2U);
  directory.Write("none", " \n");
  ASSERT_EQ(Check(text).items().size(), 1U) << "an empty one lets nobody in";
  EXPECT_EQ(problems.items()[0].code, Code::kCertificateMissing);
  directory.Write("none", "secret\n");
  EXPECT_TRUE(Check(text).items().empty());
}

TEST_F(CertificateCheckTest, NamedFilesAreThoseOfListenersAndUpstreams) {
  Check(Listener("shop.crt", "shop.key") +
        "upstreams: {up: {endpoints: [\"127.0.0.1:2\"], tls: {caFile: shop.crt, certFile: old.crt, keyFile: "
        "old.key}}}\n");
  EXPECT_THAT(NamedFiles(*file.model),
              ElementsAre(Path("shop.crt"), Path("shop.key"), Path("shop.crt"), Path("old.crt"), Path("old.key")));
}

}  // namespace
}  // namespace headgate::control
