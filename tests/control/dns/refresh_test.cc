#include "control/dns/refresh.h"

#include <gtest/gtest.h>

namespace headgate::control::dns {
namespace {

using std::chrono::seconds;

Answer Good(std::vector<base::IpAddress> addresses, seconds ttl) {
  return {.status = absl::OkStatus(), .v4 = std::move(addresses), .v6 = std::vector<base::IpAddress>(), .ttl = ttl};
}

Answer Bad() { return {.status = absl::UnavailableError("no answer")}; }

const base::IpAddress kOne = base::IpAddress::V4(0x0a000001);
const base::IpAddress kTwo = base::IpAddress::V4(0x0a000002);

Answer Denial() { return {.status = absl::NotFoundError("no such name")}; }

base::Duration Take(Refresh& refresh, const Answer& answer, seconds at = seconds(0)) {
  return refresh.Take(answer, base::Instant(at));
}

TEST(Refresh, ThatThereIsNoAddressHoldsOnceItWasSaidThreeTimesOverThirtySeconds) {
  Refresh refresh;
  Take(refresh, Good({kOne}, seconds(5)));
  for (const int at : {100, 101, 103, 129}) {
    Take(refresh, Denial(), seconds(at));
    EXPECT_FALSE(refresh.changed()) << at;
  }
  Take(refresh, Bad(), seconds(131));
  EXPECT_EQ(refresh.addresses(), std::vector<base::IpAddress>{kOne}) << "no answer never takes an address";
  Take(refresh, Denial(), seconds(132));
  EXPECT_TRUE(refresh.changed());
  EXPECT_TRUE(refresh.addresses().empty());
  Take(refresh, Denial(), seconds(133));
  EXPECT_FALSE(refresh.changed()) << "it is told once";
  Take(refresh, Good({kOne}, seconds(5)), seconds(134));
  EXPECT_TRUE(refresh.changed());
}

TEST(Refresh, AsksOftenWhileAnAddressIsDeniedAndWithBackoffOnceItIsGone) {
  Refresh refresh;
  Take(refresh, Good({kOne}, seconds(5)));
  for (int i = 0; i < 5; ++i) Take(refresh, Bad());
  seconds at(100);
  while (!refresh.addresses().empty()) {
    const base::Duration wait = Take(refresh, Denial(), at);
    if (!refresh.changed()) {
      EXPECT_EQ(wait, seconds(5));
    }
    at += seconds(5);
  }
  EXPECT_EQ(at, seconds(135));
  for (int i = 0; i < 8; ++i) Take(refresh, Denial(), at);
  EXPECT_EQ(Take(refresh, Denial(), at), seconds(30));
}

TEST(Refresh, TwoDenialsOrOnesThatAnAnswerPartsTakeNoAddress) {
  Refresh refresh;
  Take(refresh, Good({kOne}, seconds(5)));
  Take(refresh, Denial(), seconds(0));
  Take(refresh, Denial(), seconds(60));
  EXPECT_EQ(refresh.addresses().size(), 1U) << "over thirty seconds, but twice";
  Take(refresh, Good({kOne}, seconds(5)), seconds(61));
  Take(refresh, Denial(), seconds(62));
  Take(refresh, Denial(), seconds(63));
  Take(refresh, Denial(), seconds(64));
  EXPECT_EQ(refresh.addresses().size(), 1U) << "three times, but not for thirty seconds";
}

TEST(Refresh, AsksAgainAfterTheTtlWithinOneSecondAndOneMinute) {
  Refresh refresh;
  EXPECT_EQ(Take(refresh, Good({kOne}, seconds(30))), seconds(30));
  EXPECT_EQ(Take(refresh, Good({kOne}, seconds(0))), seconds(1));
  EXPECT_EQ(Take(refresh, Good({kOne}, seconds(86'400))), seconds(60));
}

TEST(Refresh, OnlyOtherAddressesAreAChange) {
  Refresh refresh;
  Take(refresh, Good({kOne}, seconds(5)));
  EXPECT_TRUE(refresh.changed());
  Take(refresh, Good({kOne}, seconds(7)));
  EXPECT_FALSE(refresh.changed());
  Take(refresh, Good({kOne, kTwo}, seconds(5)));
  EXPECT_TRUE(refresh.changed());
}

TEST(Refresh, AFailureKeepsTheLastAnswerAndIsTriedAgainWithBackoff) {
  Refresh refresh;
  Take(refresh, Good({kOne}, seconds(5)));
  for (const int wait : {1, 2, 4, 8, 16, 30, 30, 30}) EXPECT_EQ(Take(refresh, Bad()), seconds(wait));
  EXPECT_FALSE(refresh.changed());
  EXPECT_EQ(refresh.addresses(), std::vector<base::IpAddress>{kOne});
  Take(refresh, Good({kOne}, seconds(5)));
  EXPECT_FALSE(refresh.changed());
  EXPECT_EQ(Take(refresh, Bad()), seconds(1)) << "a good answer ends the backoff";
}

TEST(Refresh, AFamilyWithoutAnAnswerKeepsItsLastOneAndIsTriedAgainSoon) {
  const base::IpAddress six = *base::IpAddress::Parse("fd00::1");
  Refresh refresh;
  Take(refresh, Good({kOne}, seconds(30)));
  Answer answer{.v6 = std::vector<base::IpAddress>{six}, .ttl = seconds(30), .missing = "A: server failure"};
  EXPECT_EQ(Take(refresh, answer), seconds(1));
  EXPECT_EQ(refresh.addresses(), (std::vector<base::IpAddress>{kOne, six}));
  EXPECT_EQ(Take(refresh, answer), seconds(2));
  answer.v4 = std::vector<base::IpAddress>();
  answer.missing.clear();
  EXPECT_EQ(Take(refresh, answer), seconds(30)) << "now it is known that there is none";
  EXPECT_EQ(refresh.addresses(), std::vector<base::IpAddress>{six});
}

TEST(Refresh, AnAnswerThatIsNotCompleteBringsItsFamilyOnly) {
  const base::IpAddress six = *base::IpAddress::Parse("fd00::1");
  Refresh refresh;
  Take(refresh, {.v4 = std::vector<base::IpAddress>{kOne}, .v6 = std::vector<base::IpAddress>{six}});
  Take(refresh, {.v4 = std::vector<base::IpAddress>{kTwo}, .complete = false});
  EXPECT_TRUE(refresh.changed());
  EXPECT_EQ(refresh.addresses(), (std::vector<base::IpAddress>{kTwo, six}));
}

}  // namespace
}  // namespace headgate::control::dns
