#include "proxy/net/certificate_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headgate::proxy::net {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int> IndexesOf(std::span<const CertificateName> list) {
  std::vector<int> indexes;
  for (const CertificateName& entry : list) indexes.push_back(entry.index);
  return indexes;
}

TEST(CertificateNames, ThoseOfOneNameComeInTheirOrderOnceEach) {
  CertificateNames names;
  names.Add({"a.example", "a.example"});
  names.Add({"b.example", "*.b.example"});
  names.Add({"*.b.example", "b.example"});
  names.Add({"a.example"});
  names.Seal();
  EXPECT_THAT(IndexesOf(names.Of("a.example")), ElementsAre(0, 3));
  EXPECT_THAT(IndexesOf(names.Of("b.example")), ElementsAre(1, 2));
  EXPECT_THAT(IndexesOf(names.Of("x.b.example")), ElementsAre(1, 2));
  EXPECT_THAT(IndexesOf(names.Of("x.y.b.example")), ElementsAre(0, 3)) << "a star stands for one label";
  EXPECT_EQ(names.Lists().size(), 4U);
}

TEST(CertificateNames, BesideTheFirstAreThoseWithOneOfItsNames) {
  CertificateNames names;
  names.Add({"a.example", "b.example"});
  names.Add({"c.example"});
  names.Add({"b.example", "c.example"});
  names.Add({});
  names.Seal();
  EXPECT_THAT(IndexesOf(names.Of("")), ElementsAre(0, 2));
}

TEST(CertificateNames, BesideAFirstOneWithoutNamesAreThoseWithoutNames) {
  CertificateNames names;
  names.Add({});
  names.Add({"a.example"});
  names.Add({});
  names.Seal();
  EXPECT_THAT(IndexesOf(names.Of("")), ElementsAre(0, 2));
  EXPECT_THAT(IndexesOf(names.Of("a.example")), ElementsAre(1));
}

TEST(CertificateNames, WithoutACertificateThereIsNothing) { EXPECT_THAT(CertificateNames().Of("a"), IsEmpty()); }

}  // namespace
}  // namespace headgate::proxy::net
