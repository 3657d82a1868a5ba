#include "control/dns/lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "tests/control/dns/dns_responder.h"
#include "tests/control/temporary_directory.h"

namespace headgate::control::dns {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A variable of the environment for as long as the object lives: c-ares reads the search list there, too.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Environment() { ::unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

struct LookupTest : ::testing::Test {
  Answer Resolve(const std::string& host) {
    Lookup lookup(io, {.servers = responder.address()});
    return Resolve(lookup, host);
  }
  Answer Resolve(Lookup& lookup, const std::string& host) {
    // Shared: what follows a partial answer may come when this has returned.
    const auto answer = std::make_shared<std::optional<Answer>>();
    lookup.Resolve(host, [answer](Answer given) { *answer = std::move(given); });
    const auto enough = [&] { return answer->has_value() && (partial_will_do || (*answer)->complete); };
    io.restart();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!enough() && std::chrono::steady_clock::now() < deadline) io.run_one_for(std::chrono::seconds(1));
    EXPECT_TRUE(enough()) << "no answer for " << host;
    return answer->value_or(Answer{});
  }
  static std::vector<std::string> Texts(const Answer& answer) {
    std::vector<std::string> texts;
    for (const base::IpAddress& ip : answer.addresses()) texts.push_back(ip.ToString());
    return texts;
  }

  boost::asio::io_context io{1};
  DnsResponder responder{io};
  bool partial_will_do = false;
};

TEST_F(LookupTest, AllAddressesOfBothFamiliesAreFoundSortedEachOnce) {
  responder.Add("shop.test", "10.0.0.2");
  responder.Add("shop.test", "10.0.0.1");
  responder.Add("shop.test", "10.0.0.2");
  responder.Add("shop.test", "fd00::1");
  responder.Add("shop.test", "fd00::2");
  const Answer answer = Resolve("shop.test");
  ASSERT_TRUE(answer.status.ok()) << answer.status.ToString();
  EXPECT_THAT(Texts(answer), ::testing::UnorderedElementsAre("10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"));
  EXPECT_TRUE(std::is_sorted(answer.v4->begin(), answer.v4->end()));
  EXPECT_TRUE(std::is_sorted(answer.v6->begin(), answer.v6->end()));
}

TEST_F(LookupTest, ANameWithAaaaOnlyHasItsAddresses) {
  responder.Add("six.test", "fd00::6");
  EXPECT_THAT(Texts(Resolve("six.test")), ElementsAre("fd00::6"));
}

TEST_F(LookupTest, ANameWithAOnlyHasItsAddresses) {
  responder.Add("four.test", "10.0.0.4");
  EXPECT_THAT(Texts(Resolve("four.test")), ElementsAre("10.0.0.4"));
}

TEST_F(LookupTest, TheTtlIsTheSmallestOfAllRecordsAndAliases) {
  responder.Add("a.test", "10.0.0.1", 300);
  responder.Add("a.test", "fd00::1", 30);
  EXPECT_EQ(Resolve("a.test").ttl, std::chrono::seconds(30));
  responder.AddAlias("alias.test", "a.test", 7);
  const Answer answer = Resolve("alias.test");
  EXPECT_THAT(Texts(answer), ElementsAre("10.0.0.1", "fd00::1"));
  EXPECT_EQ(answer.ttl, std::chrono::seconds(7));
}

TEST_F(LookupTest, ANameThatDoesNotExistIsNotFoundAndNamed) {
  const Answer answer = Resolve("nobody.test");
  EXPECT_TRUE(absl::IsNotFound(answer.status)) << answer.status.ToString();
  EXPECT_THAT(std::string(answer.status.message()), HasSubstr("nobody.test"));
  EXPECT_TRUE(answer.addresses().empty());
}

TEST_F(LookupTest, AServerThatFailsIsUnavailable) {
  responder.Add("a.test", "10.0.0.1");
  responder.Fail(2);
  const Answer answer = Resolve("a.test");
  EXPECT_TRUE(absl::IsUnavailable(answer.status)) << answer.status.ToString();
}

TEST_F(LookupTest, AFamilyThatFailsIsAbsentAndOneThatTheNameHasNotIsEmpty) {
  responder.Add("a.test", "fd00::1");
  Answer answer = Resolve("a.test");
  EXPECT_EQ(answer.v4, std::vector<base::IpAddress>());
  EXPECT_EQ(answer.missing, "");
  responder.Fail(2, DnsResponder::kA);
  answer = Resolve("a.test");
  EXPECT_TRUE(answer.status.ok()) << answer.status.ToString();
  EXPECT_EQ(answer.v4, std::nullopt);
  EXPECT_THAT(Texts(answer), ElementsAre("fd00::1"));
  EXPECT_THAT(answer.missing, HasSubstr("a.test"));
}

TEST_F(LookupTest, AFamilyThatIsFoundDoesNotWaitForTheOther) {
  responder.Add("a.test", "10.0.0.1");
  responder.BeSilent(DnsResponder::kAaaa);
  partial_will_do = true;
  Lookup lookup(io, {.servers = responder.address()});
  const auto before = std::chrono::steady_clock::now();
  const Answer answer = Resolve(lookup, "a.test");
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
  EXPECT_FALSE(answer.complete);
  EXPECT_THAT(Texts(answer), ElementsAre("10.0.0.1"));
  EXPECT_EQ(answer.v6, std::nullopt);
}

TEST_F(LookupTest, ANameOfTheSearchListThatDoesNotExistIsPassedByThoughItsAaaaIsNeverAnswered) {
  const Environment domains("LOCALDOMAIN", "shop.svc.test svc.test");
  const Environment options("RES_OPTIONS", "ndots:5");
  responder.Add("cart.svc.test", "10.0.0.1");
  responder.BeSilent(DnsResponder::kAaaa);
  partial_will_do = true;
  Lookup lookup(io, {.servers = responder.address()});
  const auto before = std::chrono::steady_clock::now();
  EXPECT_THAT(Texts(Resolve(lookup, "cart")), ElementsAre("10.0.0.1"));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
}

TEST_F(LookupTest, BothFamiliesComeFromOneDomainOfTheSearchList) {
  const Environment domains("LOCALDOMAIN", "shop.svc.test svc.test");
  const Environment options("RES_OPTIONS", "ndots:5");
  responder.Add("cart.shop.svc.test", "10.0.0.1");
  responder.Add("cart.svc.test", "fd00::2");
  EXPECT_THAT(Texts(Resolve("cart")), ElementsAre("10.0.0.1"));
}

TEST_F(LookupTest, TheHostsFileComesBeforeTheServers) {
  responder.Add("localhost", "10.9.9.9");
  const Answer answer = Resolve("localhost");
  EXPECT_THAT(Texts(answer), Contains("127.0.0.1"));
  EXPECT_THAT(Texts(answer), Not(Contains("10.9.9.9")));
}

TEST_F(LookupTest, AShortNameIsFoundThroughTheSearchList) {
  const Environment domains("LOCALDOMAIN", "shop.svc.test svc.test");
  const Environment options("RES_OPTIONS", "ndots:5");
  responder.Add("cart.shop.svc.test", "10.0.0.1");
  responder.Add("cart.other.svc.test", "fd00::2");
  Lookup lookup(io, {.servers = responder.address()});
  EXPECT_THAT(Texts(Resolve(lookup, "cart")), ElementsAre("10.0.0.1")) << "the first domain";
  EXPECT_THAT(Texts(Resolve(lookup, "cart.other")), ElementsAre("fd00::2")) << "the second, as the first has none";
  EXPECT_GT(responder.AskedFor("cart.other.shop.svc.test"), 0U);
}

TEST_F(LookupTest, ANameWithADotBehindItIsNotSearched) {
  const Environment domains("LOCALDOMAIN", "svc.test");
  const Environment options("RES_OPTIONS", "ndots:5");
  responder.Add("cart.svc.test", "10.0.0.1");
  responder.Add("cart.test", "10.0.0.2");
  Lookup lookup(io, {.servers = responder.address()});
  EXPECT_THAT(Texts(Resolve(lookup, "cart.test.")), ElementsAre("10.0.0.2"));
  EXPECT_EQ(responder.AskedFor("cart.test.svc.test"), 0U);
}

TEST_F(LookupTest, ANameThatIsInNoDomainOfTheListIsTriedAsItIs) {
  const Environment domains("LOCALDOMAIN", "svc.test");
  const Environment options("RES_OPTIONS", "ndots:5");
  responder.Add("shop.example.test", "10.0.0.3");
  EXPECT_THAT(Texts(Resolve("shop.example.test")), ElementsAre("10.0.0.3"));
  EXPECT_GT(responder.AskedFor("shop.example.test.svc.test"), 0U);
}

TEST_F(LookupTest, TheCodeWithWhichTheServerRefusedIsNamed) {
  for (const auto& [code, name] : {std::pair<uint8_t, const char*>{2, "SERVFAIL"}, {4, "NOTIMP"}, {5, "REFUSED"}}) {
    responder.Fail(code);
    const Answer answer = Resolve("shop.test");
    EXPECT_EQ(answer.status.message(), absl::StrCat("cannot resolve shop.test: the name server answered ", name));
  }
}

TEST_F(LookupTest, AnotherSearchListIsTakenUpByRenewAndWhatWasUnderWayIsUnavailable) {
  const TemporaryDirectory directory;
  directory.Write("resolv.conf", "search a.test\noptions ndots:5\n");
  responder.Add("shop.a.test", "10.0.0.1");
  responder.Add("shop.b.test", "10.0.0.2");
  Lookup lookup(io, {.servers = responder.address(), .resolv_conf = directory.File("resolv.conf")});
  const auto address = [&] {
    std::optional<Answer> answer;
    lookup.Resolve("shop", [&](Answer got) {
      if (got.complete) answer = std::move(got);
    });
    while (!answer) io.run_one();
    return answer->addresses().empty() ? std::string() : answer->addresses().front().ToString();
  };
  EXPECT_EQ(address(), "10.0.0.1");
  EXPECT_FALSE(lookup.Renew()) << "nothing changed";
  directory.Write("resolv.conf", "search b.test\noptions ndots:5\n");
  std::optional<Answer> under_way;
  lookup.Resolve("shop", [&](Answer got) { under_way = std::move(got); });
  EXPECT_TRUE(lookup.Renew());
  ASSERT_TRUE(under_way.has_value());
  EXPECT_TRUE(absl::IsUnavailable(under_way->status));
  EXPECT_EQ(address(), "10.0.0.2");
  std::filesystem::remove(directory.File("resolv.conf"));
  EXPECT_FALSE(lookup.Renew()) << "a file that is gone for a moment changes nothing";
}

TEST_F(LookupTest, WhatIsUnderWayWhenItGoesIsAnsweredUnavailable) {
  responder.BeSilent();
  std::optional<Answer> answer;
  {
    Lookup lookup(io, {.servers = responder.address()});
    lookup.Resolve("a.test", [&](Answer given) { answer = std::move(given); });
    EXPECT_FALSE(answer.has_value());
  }
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(absl::IsUnavailable(answer->status)) << answer->status.ToString();
}

}  // namespace
}  // namespace headgate::control::dns
