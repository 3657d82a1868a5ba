#include "control/admin/admin_pages.h"

#include <gtest/gtest.h>

namespace headgate::control {
namespace {

const base::SocketAddress kLoopback{base::IpAddress::V4(0x7f000001), 9901};
const base::SocketAddress kOther{base::IpAddress::V4(0x0a000005), 9901};

TEST(AdminPages, HostOfALoopbackAddressOrLocalhostIsOwn) {
  for (const char* host : {"localhost", "localhost:9901", "LOCALHOST:9901", "127.0.0.1", "127.0.0.1:9901", "127.1.2.3",
                           "[::1]:9901", "[::1]"}) {
    EXPECT_TRUE(IsOwnHost(host, kLoopback)) << host;
  }
}

TEST(AdminPages, HostOfAnotherSiteIsRefusedWhateverItResolvesTo) {
  for (const char* host : {"", "evil.example.com", "evil.example.com:9901", "localhost.evil.example.com", "10.0.0.5",
                           "127.0.0.1.evil.example.com", "[evil]"}) {
    EXPECT_FALSE(IsOwnHost(host, kLoopback)) << host;
  }
}

TEST(AdminPages, TheBoundAddressIsOwnBeyondLoopback) {
  EXPECT_TRUE(IsOwnHost("10.0.0.5:9901", kOther));
  EXPECT_FALSE(IsOwnHost("10.0.0.6:9901", kOther));
}

}  // namespace
}  // namespace headgate::control
