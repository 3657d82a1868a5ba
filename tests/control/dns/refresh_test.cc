#include "control/dns/refresh.h"

#include <gtest/gtest.h>

namespace headgate::control::dns {
namespace {

using std::chrono::seconds;

Answer Good(std::vector<base::IpAddress> addresses, seconds ttl) {
  return {.status = absl::OkStatus(), .addresses = std::move(addresses), .ttl = ttl};
}

Answer Bad() { return {.status = absl::UnavailableError("no answer"), .addresses = {}, .ttl = {}}; }

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

}  // namespace
}  // namespace headgate::control::dns
