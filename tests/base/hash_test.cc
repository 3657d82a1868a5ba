#include "base/hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <string>

#include "base/rng.h"

namespace headgate::base {
namespace {

// These values are a promise: with others, users would change their cohorts when a replica is upgraded. The lengths
// reach each of XXH3's branches (0, 1-3, 4-8, 9-16, 17-128, 129-240, more).
TEST(StableHash64, NeverChanges) {
  struct Row {
    size_t bytes;
    uint64_t seed;
    uint64_t hash;
  };
  const Row rows[] = {
      {0, 0, 0x2d06800538d394c2ULL},   {0, 42, 0xb029411ff43d84d2ULL},   {1, 0, 0xe6c632b61e964e1fULL},
      {1, 42, 0x4c437dd47f0716f4ULL},  {3, 0, 0x78af5f94892f3950ULL},    {3, 42, 0xd8438def21bbdcc3ULL},
      {7, 0, 0x5a40dc3fd44c052fULL},   {7, 42, 0xe2c29adb14107cecULL},   {16, 0, 0x3d3ccac9af14d8a8ULL},
      {16, 42, 0x13d397cb29911732ULL}, {100, 0, 0x7f2b83f8e57a6e24ULL},  {100, 42, 0xf02ff0a2298375d5ULL},
      {200, 0, 0xe12dae8ffe57bbc9ULL}, {200, 42, 0x984a9ab3db697faaULL}, {300, 0, 0x7f720c1f731c9648ULL},
      {300, 42, 0x3486dfd72648ffc6ULL}};
  std::string alphabet;
  for (int i = 0; i < 300; ++i) alphabet.push_back(static_cast<char>('a' + i % 26));
  for (const Row& row : rows) {
    EXPECT_EQ(StableHash64(std::string_view(alphabet).substr(0, row.bytes), row.seed), row.hash) << row.bytes;
  }
}

TEST(StableHash64, DependsOnEveryBitOfBytesAndSeed) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  uint64_t flipped = 0;
  constexpr uint64_t kRounds = 4000;
  for (uint64_t i = 0; i < kRounds; ++i) {
    std::string bytes(1 + rng.Below(60), '\0');
    for (char& c : bytes) c = static_cast<char>(rng.Next());
    const uint64_t before = StableHash64(bytes, i);
    ASSERT_NE(StableHash64(bytes, i ^ (uint64_t{1} << rng.Below(64))), before);
    char& c = bytes[rng.Below(bytes.size())];
    c = static_cast<char>(static_cast<unsigned char>(c) ^ (1U << rng.Below(8)));
    flipped += static_cast<uint64_t>(std::popcount(before ^ StableHash64(bytes, i)));
  }
  EXPECT_NEAR(static_cast<double>(flipped) / kRounds, 32.0, 1.0);
}

}  // namespace
}  // namespace headgate::base
