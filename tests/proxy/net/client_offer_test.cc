#include "proxy/net/client_offer.h"

#include <gtest/gtest.h>

namespace headgate::proxy::net {
namespace {

constexpr unsigned char kTwo[] = {0, 4, 0x04, 0x03, 0x08, 0x04};
constexpr uint16_t kEcdsa[] = {0x0403};
constexpr uint16_t kPss[] = {0x0804};
constexpr uint16_t kSuite[] = {0xc02b};

TEST(NumberList, AnExtensionsListIsReadAsTheWireHasIt) {
  const NumberList list = NumberList::OfExtension(kTwo, 2);
  EXPECT_TRUE(list.Has(0x0403));
  EXPECT_TRUE(list.Has(0x0804));
  EXPECT_FALSE(list.Has(0x0308)) << "across two numbers";
  EXPECT_TRUE(list.HasAnyOf(kPss));
  EXPECT_FALSE(list.HasAnyOf(kSuite));
  EXPECT_FALSE(list.HasAnyOf({}));
  constexpr unsigned char kVersions[] = {2, 3, 4};
  EXPECT_TRUE(NumberList::OfExtension(kVersions, 1).Has(0x0304));
}

TEST(NumberList, AMalformedListIsEmpty) {
  const std::span<const unsigned char> two(kTwo);
  EXPECT_TRUE(NumberList::OfExtension({}, 2).empty());
  EXPECT_TRUE(NumberList::OfExtension(two.first(1), 2).empty());
  EXPECT_TRUE(NumberList::OfExtension(two.first(2), 2).empty());
  EXPECT_TRUE(NumberList::OfExtension(two.first(5), 2).empty()) << "shorter than it says";
  constexpr unsigned char kOdd[] = {0, 3, 0x04, 0x03, 0x08};
  EXPECT_TRUE(NumberList::OfExtension(kOdd, 2).Has(0x0403));
  EXPECT_FALSE(NumberList::OfExtension(kOdd, 2).Has(0x0800));
  EXPECT_TRUE(NumberList(two.first(1)).empty());
}

TEST(ClientOffer, ACertificateIsVerifiableWhenEachNeedIsMet) {
  constexpr unsigned char kHas13[] = {0x03, 0x04, 0x03, 0x03};
  constexpr unsigned char kHasSuite[] = {0x13, 0x01, 0xc0, 0x2b};
  constexpr unsigned char kHasEcdsa[] = {0x04, 0x03};
  constexpr unsigned char kHasPss[] = {0x08, 0x04};
  constexpr unsigned char kHasP256[] = {0, 23};
  constexpr unsigned char kHasP384[] = {0, 24};
  const NumberList v13(kHas13);
  const NumberList none;
  const NumberList suite(kHasSuite);
  const NumberList ecdsa(kHasEcdsa);
  const NumberList pss(kHasPss);
  const NumberList p256(kHasP256);
  const NumberList p384(kHasP384);
  CertificateTraits certificate;
  certificate.schemes13 = certificate.schemes12 = kEcdsa;
  certificate.ciphers12 = kSuite;
  certificate.group12 = 23;
  certificate.signed_by = kPss;
  const struct {
    const char* what;
    ClientOffer offer;
    bool verifies;
  } rows[] = {
      {"1.2", {none, suite, p256, ecdsa, none}, true},
      {"1.2, any group", {none, suite, none, ecdsa, none}, true},
      {"1.2, another group", {none, suite, p384, ecdsa, none}, false},
      {"1.2, no suite", {none, none, p256, ecdsa, none}, false},
      {"1.2, another scheme", {none, suite, p256, pss, none}, false},
      {"1.2, no scheme", {none, suite, p256, none, none}, false},
      {"1.2, its signature", {none, suite, p256, ecdsa, pss}, true},
      {"1.2, not its signature", {none, suite, p256, ecdsa, ecdsa}, false},
      {"1.3", {v13, suite, p256, ecdsa, none}, true},
      {"1.3, another group is for the exchange only", {v13, suite, p384, ecdsa, none}, true},
      {"1.3, suites do not say how it is signed", {v13, none, p256, ecdsa, none}, true},
      {"1.3, another scheme", {v13, suite, p256, pss, none}, false},
      {"1.3, its signature", {v13, suite, p256, ecdsa, pss}, true},
      {"1.3, not its signature", {v13, suite, p256, ecdsa, ecdsa}, false},
  };
  for (const auto& row : rows) EXPECT_EQ(row.offer.Verifies(certificate), row.verifies) << row.what;
  certificate.group12 = 0;
  EXPECT_TRUE((ClientOffer{none, suite, p384, ecdsa, none}).Verifies(certificate)) << "not on a curve";
}

}  // namespace
}  // namespace headgate::proxy::net
