#include "routing/hash_key.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/slab.h"

namespace headgate::routing {
namespace {

using By = HashOnPolicy::By;

class HashKeyTest : public ::testing::Test {
 protected:
  HashKey Key(By by, const std::string& name = {}, http::HeaderId id = http::HeaderId::kOther) {
    return HashKeyOf({.by = by, .name = name, .header_id = id}, head, client, rng, arena);
  }

  base::SlabPool slabs;
  base::Arena arena{slabs};
  http::RequestHead head{arena};
  base::IpAddress client = base::IpAddress::V4(0x0a010203);
  base::Rng rng{1};
};

TEST_F(HashKeyTest, APolicyThatHashesNothingHasNoKey) { EXPECT_EQ(Key(By::kNone).hash, 0u); }

TEST_F(HashKeyTest, TheClientsAddressIsAKey) {
  const uint64_t first = Key(By::kClientIp).hash;
  EXPECT_NE(first, 0u);
  EXPECT_EQ(Key(By::kClientIp).hash, first);
  client = base::IpAddress::V4(0x0a010204);
  EXPECT_NE(Key(By::kClientIp).hash, first);
}

TEST_F(HashKeyTest, ThePathIsAKeyWithoutItsQuery) {
  head.path = "/a";
  const uint64_t first = Key(By::kPath).hash;
  head.query = "b";
  EXPECT_EQ(Key(By::kPath).hash, first);
  head.path = "/c";
  EXPECT_NE(Key(By::kPath).hash, first);
}

TEST_F(HashKeyTest, AHeaderIsAKeyAndWithoutItThereIsNone) {
  EXPECT_EQ(Key(By::kHeader, "x-user").hash, 0u);
  head.headers.Add(http::HeaderId::kOther, "x-user", "anna");
  const uint64_t anna = Key(By::kHeader, "x-user").hash;
  EXPECT_NE(anna, 0u);
  head.headers.Set(http::HeaderId::kOther, "x-user", "ben");
  EXPECT_NE(Key(By::kHeader, "x-user").hash, anna);
}

TEST_F(HashKeyTest, AQueryParameterCountsDecoded) {
  EXPECT_EQ(Key(By::kQuery, "user").hash, 0u);
  head.query = "a=1&user=anna";
  const uint64_t anna = Key(By::kQuery, "user").hash;
  EXPECT_NE(anna, 0u);
  head.query = "%75ser=%61nna&user=ben";
  EXPECT_EQ(Key(By::kQuery, "user").hash, anna);
  head.query = "user=ben";
  EXPECT_NE(Key(By::kQuery, "user").hash, anna);
}

TEST_F(HashKeyTest, AClientWithoutTheCookieGetsOneThatHashesToTheSame) {
  head.scheme = http::Scheme::kHttps;
  const HashKey made = Key(By::kCookie, "hg");
  EXPECT_NE(made.hash, 0u);
  EXPECT_EQ(made.set_cookie.substr(0, 3), "hg=");
  EXPECT_EQ(made.set_cookie.substr(3 + 16), "; Path=/; HttpOnly; SameSite=Lax; Secure");
  head.headers.Add(http::HeaderId::kCookie, arena.Copy(made.set_cookie.substr(0, 3 + 16)));
  const HashKey brought = Key(By::kCookie, "hg");
  EXPECT_EQ(brought.hash, made.hash);
  EXPECT_TRUE(brought.set_cookie.empty());
}

}  // namespace
}  // namespace headgate::routing
