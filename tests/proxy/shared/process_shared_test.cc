#include "proxy/shared/process_shared.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

TEST(DescriptorSharesTest, EveryClientHasADescriptorToAnUpstreamSetAside) {
  for (uint64_t files = 1; files < 5000; ++files) {
    const DescriptorShares shares = SharesOf(files, 2);
    ASSERT_GE(shares.clients, 1U) << files;
    ASSERT_GE(shares.upstreams, shares.clients) << files;
  }
}

TEST(DescriptorSharesTest, TheControlSideKeepsItsOwn) {
  for (uint64_t files = 128; files < 5000; ++files) {
    const DescriptorShares shares = SharesOf(files, 2);
    ASSERT_GE(files - shares.clients - shares.upstreams, 64U) << files;
  }
}

TEST(DescriptorSharesTest, WithoutAFileLimitThereIsNone) {
  EXPECT_EQ(SharesOf(0, 2).clients, OrNone(0));
  EXPECT_EQ(SharesOf(0, 2).upstreams, OrNone(0));
}

}  // namespace
}  // namespace headgate::proxy
