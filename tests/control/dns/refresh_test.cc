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

TEST(Refresh, AsksAgainAfterTheTtlWithinOneSecondAndOneMinute) {
  Refresh refresh;
  EXPECT_EQ(refresh.Take(Good({kOne}, seconds(30))), seconds(30));
  EXPECT_EQ(refresh.Take(Good({kOne}, seconds(0))), seconds(1));
  EXPECT_EQ(refresh.Take(Good({kOne}, seconds(86'400))), seconds(60));
}

TEST(Refresh, OnlyOtherAddressesAreAChange) {
  Refresh refresh;
  refresh.Take(Good({kOne}, seconds(5)));
  EXPECT_TRUE(refresh.changed());
  refresh.Take(Good({kOne}, seconds(7)));
  EXPECT_FALSE(refresh.changed());
  refresh.Take(Good({kOne, kTwo}, seconds(5)));
  EXPECT_TRUE(refresh.changed());
}

TEST(Refresh, AFailureKeepsTheLastAnswerAndIsTriedAgainWithBackoff) {
  Refresh refresh;
  refresh.Take(Good({kOne}, seconds(5)));
  for (const int wait : {1, 2, 4, 8, 16, 30, 30, 30}) EXPECT_EQ(refresh.Take(Bad()), seconds(wait));
  EXPECT_FALSE(refresh.changed());
  EXPECT_EQ(refresh.addresses(), std::vector<base::IpAddress>{kOne});
  refresh.Take(Good({kOne}, seconds(5)));
  EXPECT_FALSE(refresh.changed());
  EXPECT_EQ(refresh.Take(Bad()), seconds(1)) << "a good answer ends the backoff";
}

TEST(Refresh, AFamilyWithoutAnAnswerKeepsItsLastOneAndIsTriedAgainSoon) {
  const base::IpAddress six = *base::IpAddress::Parse("fd00::1");
  Refresh refresh;
  refresh.Take(Good({kOne}, seconds(30)));
  Answer answer{.v6 = std::vector<base::IpAddress>{six}, .ttl = seconds(30), .missing = "A: server failure"};
  EXPECT_EQ(refresh.Take(answer), seconds(1));
  EXPECT_EQ(refresh.addresses(), (std::vector<base::IpAddress>{kOne, six}));
  EXPECT_EQ(refresh.Take(answer), seconds(2));
  answer.v4 = std::vector<base::IpAddress>();
  answer.missing.clear();
  EXPECT_EQ(refresh.Take(answer), seconds(30)) << "now it is known that there is none";
  EXPECT_EQ(refresh.addresses(), std::vector<base::IpAddress>{six});
}

TEST(Refresh, AnAnswerThatIsNotCompleteBringsItsFamilyOnly) {
  const base::IpAddress six = *base::IpAddress::Parse("fd00::1");
  Refresh refresh;
  refresh.Take({.v4 = std::vector<base::IpAddress>{kOne}, .v6 = std::vector<base::IpAddress>{six}});
  refresh.Take({.v4 = std::vector<base::IpAddress>{kTwo}, .complete = false});
  EXPECT_TRUE(refresh.changed());
  EXPECT_EQ(refresh.addresses(), (std::vector<base::IpAddress>{kTwo, six}));
}

}  // namespace
}  // namespace headgate::control::dns
