#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>

#include "proxy/net/certificate_names.h"
#include "proxy/net/tls_context.h"
#include "support/file_opens.h"
#include "tests/proxy/net/test_certificates.h"

namespace headgate::proxy::net {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CertificateSetTest : public testing::Test {
 protected:
  static std::string ErrorOf(const routing::CertificateFiles& files) {
    const auto set = CertificateSet::Load({&files, 1});
    return set.ok() ? "no error" : std::string(set.status().message());
  }
  TemporaryDirectory directory;
};

TEST_F(CertificateSetTest, SaysWhatIsInTheFile) {
  CertificateWish wish;
  wish.common_name = "Shop";
  wish.names = {"DNS:Shop.Example", "DNS:*.shop.example", "IP:127.0.0.1"};
  const TestCertificate certificate(wish);
  const routing::CertificateFiles files = certificate.WriteTo(directory, "shop");
  const auto set = CertificateSet::Load({&files, 1});
  ASSERT_TRUE(set.ok()) << set.status();
  const CertificateInfo& info = (*set)->infos().front();
  EXPECT_EQ(info.cert_file, files.cert_file);
  EXPECT_THAT(info.names, ElementsAre("shop.example", "*.shop.example"));
  EXPECT_EQ(info.subject, "CN=Shop");
  EXPECT_EQ(info.issuer, "CN=Shop");
  EXPECT_EQ(info.fingerprint_sha256.size(), 64u);
  EXPECT_FALSE(info.expired);
  EXPECT_EQ(info.not_after - info.not_before, std::chrono::hours(2));
}

TEST_F(CertificateSetTest, TheYearsBeyondTheClocksNanosecondsAreKept) {
  using std::chrono::sys_days;
  using std::chrono::year;
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto from_now = [&](int wanted) { return (sys_days(year(wanted) / 7 / 1) - now).count(); };
  for (const auto& [first, last] : {std::pair(1960, 9999), {9998, 9999}}) {
    const TestCertificate certificate(
        {.names = {}, .not_before_seconds = from_now(first), .not_after_seconds = from_now(last)});
    const routing::CertificateFiles files = certificate.WriteTo(directory, "long");
    const auto set = CertificateSet::Load({&files, 1});
    ASSERT_TRUE(set.ok()) << set.status();
    const CertificateInfo& info = (*set)->infos().front();
    EXPECT_LT(abs(info.not_before - sys_days(year(first) / 7 / 1)), std::chrono::minutes(1)) << first;
    EXPECT_LT(abs(info.not_after - sys_days(year(last) / 7 / 1)), std::chrono::minutes(1)) << last;
    EXPECT_FALSE(info.expired);
  }
}

TEST_F(CertificateSetTest, AnExpiredCertificateLoadsAndSaysSo) {
  CertificateWish wish;
  wish.not_before_seconds = -7200;
  wish.not_after_seconds = -60;
  const routing::CertificateFiles files = TestCertificate(wish).WriteTo(directory, "old");
  const auto set = CertificateSet::Load({&files, 1});
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_TRUE((*set)->infos().front().expired);
}

TEST_F(CertificateSetTest, TheNameDecidesExactBeforeWildcardBeforeTheFirst) {
  const auto files_for = [&](const std::string& file, std::vector<std::string> names) {
    CertificateWish wish;
    wish.names = std::move(names);
    return TestCertificate(wish).WriteTo(directory, file);
  };
  const std::vector<routing::CertificateFiles> files = {
      files_for("first", {"DNS:first.example"}),
      files_for("wild", {"DNS:*.shop.example"}),
      files_for("exact", {"DNS:www.shop.example", "DNS:shop.example"}),
      files_for("again", {"DNS:*.shop.example", "DNS:first.example"}),
  };
  const auto loaded = CertificateSet::Load(files);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const CertificateSet& set = **loaded;
  const auto candidates = [&](std::string_view name) {
    std::vector<int> indexes;
    for (const CertificateName& candidate : set.CandidatesFor(name)) indexes.push_back(candidate.index);
    return indexes;
  };
  EXPECT_THAT(candidates("www.shop.example"), ElementsAre(2));
  EXPECT_THAT(candidates("api.shop.example"), ElementsAre(1, 3));
  EXPECT_THAT(candidates("shop.example"), ElementsAre(2));
  EXPECT_THAT(candidates("first.example"), ElementsAre(0, 3));
  for (const char* name : {"a.b.shop.example", ".shop.example", "", "unknown.example"}) {
    EXPECT_THAT(candidates(name), ElementsAre(0, 3)) << "the first, and the one with its name: '" << name << "'";
  }
  EXPECT_TRUE(set.SpeaksFor(3, "api.shop.example"));
  EXPECT_FALSE(set.SpeaksFor(2, "api.shop.example"));
}

TEST_F(CertificateSetTest, EachProblemNamesItsFileAndReason) {
  const TestCertificate one{CertificateWish{}};
  const TestCertificate two{CertificateWish{}};
  const routing::CertificateFiles good = one.WriteTo(directory, "one");
  const routing::CertificateFiles other = two.WriteTo(directory, "two");
  const std::string missing = directory.Path("missing.pem");
  EXPECT_THAT(ErrorOf({missing, good.key_file}), AllOf(HasSubstr(missing), HasSubstr("No such file")));
  EXPECT_THAT(ErrorOf({good.cert_file, missing}), AllOf(HasSubstr(missing), HasSubstr("No such file")));
  EXPECT_THAT(ErrorOf({good.cert_file, other.key_file}),
              AllOf(HasSubstr(other.key_file), HasSubstr("does not belong to the certificate in " + good.cert_file)));
  EXPECT_THAT(ErrorOf({good.key_file, good.key_file}), AllOf(HasSubstr(good.key_file), HasSubstr("no certificate")));
  EXPECT_THAT(ErrorOf({good.cert_file, good.cert_file}), AllOf(HasSubstr(good.cert_file), HasSubstr("no private key")));
  const std::string empty = directory.Write("empty.pem", "");
  EXPECT_THAT(ErrorOf({empty, good.key_file}), AllOf(HasSubstr(empty), HasSubstr("empty")));
  EXPECT_THAT(ErrorOf({directory.Path("."), good.key_file}), HasSubstr("Is a directory"));
  const std::string locked = directory.Write("locked.key", one.EncryptedKeyPem());
  EXPECT_THAT(ErrorOf({good.cert_file, locked}), AllOf(HasSubstr(locked), HasSubstr("passphrase")));
  std::string damaged_pem = one.CertificatePem();
  damaged_pem.replace(60, 20, "AAAAAAAAAAAAAAAAAAAA");
  const std::string damaged = directory.Write("damaged.pem", one.CertificatePem() + damaged_pem);
  EXPECT_THAT(ErrorOf({damaged, good.key_file}), AllOf(HasSubstr(damaged), HasSubstr("certificate 2 is damaged")));
  CertificateWish weak;
  weak.rsa_bits = 1024;
  const routing::CertificateFiles short_key = TestCertificate(weak).WriteTo(directory, "weak");
  EXPECT_THAT(ErrorOf(short_key), AllOf(HasSubstr(short_key.cert_file), HasSubstr("key too small")));
  EXPECT_FALSE(CertificateSet::Load({}).ok());
}

TEST_F(CertificateSetTest, AKeyOfALaterCertificateOfTheFileSaysWhichOneComesFirst) {
  CertificateWish wish;
  wish.authority = true;
  const TestCertificate authority{wish};
  const TestCertificate server{CertificateWish{}};
  const routing::CertificateFiles good = server.WriteTo(directory, "server");
  const std::string two = directory.Write("two.pem", authority.CertificatePem() + server.CertificatePem());
  EXPECT_THAT(ErrorOf({two, good.key_file}),
              HasSubstr("this key belongs to the second certificate of " + two + ": put that one first"));
  const std::string three =
      directory.Write("three.pem", authority.CertificatePem() + authority.CertificatePem() + server.CertificatePem());
  EXPECT_THAT(ErrorOf({three, good.key_file}), HasSubstr("certificate 3 of " + three));
}

TEST_F(CertificateSetTest, EverythingThatIsWrongWithAPairIsSaidAtOnce) {
  const TestCertificate one{CertificateWish{}};
  const TestCertificate two{CertificateWish{}};
  const routing::CertificateFiles good = one.WriteTo(directory, "one");
  const routing::CertificateFiles other = two.WriteTo(directory, "two");
  EXPECT_TRUE(CheckPair(good).empty());
  const auto missing = CheckPair({"/no.crt", "/no.key"});
  ASSERT_EQ(missing.size(), 2U);
  EXPECT_THAT(missing[0].message, HasSubstr("/no.crt"));
  EXPECT_FALSE(missing[0].of_key);
  EXPECT_THAT(missing[1].message, HasSubstr("/no.key"));
  EXPECT_TRUE(missing[1].of_key);
  const auto swapped = CheckPair({good.key_file, good.cert_file});
  ASSERT_EQ(swapped.size(), 2U);
  EXPECT_THAT(swapped[0].message, HasSubstr("no certificate in it, but a private key"));
  EXPECT_THAT(swapped[1].message, HasSubstr("no private key in it, but a certificate"));
  const auto foreign = CheckPair({good.cert_file, other.key_file});
  ASSERT_EQ(foreign.size(), 1U);
  EXPECT_TRUE(foreign[0].of_key);
}

TEST_F(CertificateSetTest, AnUnreadableFileIsDenied) {
  if (::geteuid() == 0) {
    const routing::CertificateFiles files{directory.Path("d/x"), directory.Path("d/x")};
    const auto set = CertificateSet::Load({&files, 1});
    EXPECT_EQ(set.status().code(), absl::StatusCode::kNotFound) << "root may read everything: only absence is left";
    return;
  }
  const routing::CertificateFiles files = TestCertificate(CertificateWish{}).WriteTo(directory, "one");
  std::filesystem::permissions(files.key_file, std::filesystem::perms::none);
  const auto set = CertificateSet::Load({&files, 1});
  EXPECT_EQ(set.status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(CertificateSetTest, SameFilesWithSameContentsAreTheSame) {
  const TestCertificate certificate{CertificateWish{}};
  const routing::CertificateFiles files = certificate.WriteTo(directory, "one");
  const auto first = CertificateSet::Load({&files, 1});
  const auto second = CertificateSet::Load({&files, 1});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_TRUE((*first)->SameAs(**second));
  TestCertificate(CertificateWish{}).WriteTo(directory, "one");
  const auto third = CertificateSet::Load({&files, 1});
  ASSERT_TRUE(third.ok());
  EXPECT_FALSE((*first)->SameAs(**third));
}

TEST_F(CertificateSetTest, WhatDidNotChangeIsTakenOverUnread) {
  const base::WallTime later = std::chrono::system_clock::now() + std::chrono::hours(1);
  const std::vector<routing::CertificateFiles> files = {TestCertificate(CertificateWish{}).WriteTo(directory, "one"),
                                                        TestCertificate(CertificateWish{}).WriteTo(directory, "two")};
  const auto first = CertificateSet::Load(files, nullptr, later);
  ASSERT_TRUE(first.ok());
  support::FileOpens opens(directory.Path(""));
  const auto second = CertificateSet::Load(files, first->get(), later + std::chrono::hours(24));
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(opens.Take(), std::set<std::string>());
  EXPECT_TRUE((*second)->SameAs(**first));
  EXPECT_TRUE((*second)->infos()[0].expired) << "that is judged anew";
  TestCertificate(CertificateWish{}).WriteTo(directory, "two");
  opens.Take();
  const auto third = CertificateSet::Load(files, second->get(), later);
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(opens.Take(), (std::set<std::string>{"two.crt", "two.key"}));
  EXPECT_FALSE((*third)->SameAs(**second));
}

TEST_F(CertificateSetTest, ACertificateThatNoClientEverGetsIsTold) {
  constexpr long kHour = 3600;
  const std::vector<std::string> shop = {"DNS:shop.example"};
  const std::vector<std::string> two = {"DNS:shop.example", "DNS:other.example"};
  const CertificateWish rsa{.names = shop, .rsa_bits = 2048};
  const CertificateWish ecdsa{.names = shop};
  const CertificateWish p384{.names = shop, .key = "P-384"};
  const CertificateWish ed25519{.names = shop, .key = "ED25519"};
  const CertificateWish renewed{.names = shop, .not_after_seconds = 9 * kHour};
  const CertificateWish expired{.names = shop, .not_before_seconds = -9 * kHour, .not_after_seconds = -60};
  const CertificateWish to_come{.names = shop, .not_before_seconds = 60};
  const CertificateWish nameless{.names = {"IP:127.0.0.1"}};
  const CertificateWish nameless_rsa{.names = {"IP:127.0.0.1"}, .rsa_bits = 2048};
  const CertificateWish wider{.names = two};
  const CertificateWish wildcard{.names = {"DNS:*.shop.example"}};
  const struct {
    const char* what;
    std::vector<CertificateWish> wishes;
    std::vector<size_t> unused;
  } rows[] = {
      {"one", {ecdsa}, {}},
      {"kinds of keys", {rsa, ecdsa, p384, ed25519}, {}},
      {"the same kind", {ecdsa, ecdsa, rsa, rsa}, {1, 3}},
      {"serves after the first one's end", {ecdsa, renewed}, {}},
      {"ends before the first one", {renewed, ecdsa}, {1}},
      {"serves instead of an expired one", {expired, ecdsa}, {}},
      {"an expired one behind a valid one", {ecdsa, expired}, {1}},
      {"serves until the first one's time comes", {to_come, ecdsa}, {}},
      {"a name more", {ecdsa, wider}, {}},
      {"a name less", {wider, ecdsa}, {1}},
      {"each name is another one's", {wildcard, ecdsa, {.names = {"DNS:*.shop.example", "DNS:shop.example"}}}, {2}},
      {"the first serves unknown names", {nameless, ecdsa}, {}},
      {"no name", {ecdsa, nameless}, {1}},
      {"no name, beside one without a name", {nameless, nameless_rsa}, {}},
      {"no name, the same kind as one without a name", {nameless, nameless}, {1}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    std::vector<routing::CertificateFiles> files;
    for (CertificateWish wish : row.wishes) {
      wish.not_after_seconds -= 60 * static_cast<long>(files.size());  // a key takes seconds to make
      files.push_back(TestCertificate(wish).WriteTo(directory, std::to_string(files.size())));
    }
    const auto set = CertificateSet::Load(files);
    ASSERT_TRUE(set.ok()) << set.status();
    std::vector<size_t> unused;
    for (const UnusedCertificate& one : (*set)->Unused(base::SystemClock().WallNow())) {
      unused.push_back(one.index);
      EXPECT_THAT(one.why, testing::AnyOf(HasSubstr(".crt is before it"), HasSubstr("no DNS name")));
    }
    EXPECT_EQ(unused, row.unused);
  }
}

TEST_F(CertificateSetTest, SymbolicLinksAreFollowed) {
  const routing::CertificateFiles files = TestCertificate(CertificateWish{}).WriteTo(directory, "real");
  std::filesystem::create_symlink("real.crt", directory.Path("tls.crt"));
  std::filesystem::create_symlink("real.key", directory.Path("tls.key"));
  EXPECT_EQ(ErrorOf({directory.Path("tls.crt"), directory.Path("tls.key")}), "no error");
}

}  // namespace
}  // namespace headgate::proxy::net
