#include "app/resources.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace headgate::app {
namespace {

TEST(Resources, QuotaIsRoundedUpToWholeCpus) {
  EXPECT_EQ(CpusOfQuota("150000 100000"), 2U);
  EXPECT_EQ(CpusOfQuota("100000 100000"), 1U);
  EXPECT_EQ(CpusOfQuota("10000 100000"), 1U);
  EXPECT_EQ(CpusOfQuota("400000 100000"), 4U);
}

TEST(Resources, NoQuotaIsNone) {
  for (const char* text : {"max 100000", "", " ", "-1 100000", "100000", "100000 0", "0 100000"}) {
    EXPECT_EQ(CpusOfQuota(text), std::nullopt) << text;
  }
}

TEST(Resources, ThereIsAlwaysACpu) { EXPECT_GE(AvailableCpus(), 1U); }

TEST(Resources, FileLimitIsRaisedToTheHardOne) {
  RaiseFileLimit();
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
}

}  // namespace
}  // namespace headgate::app
