#include "base/arena.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace headgate::base {
namespace {

TEST(Arena, ServesSmallThingsFromItsInlineBytesWithoutASlab) {
  SlabPool pool;
  Arena arena(pool);
  for (int i = 0; i < 3; ++i) {
    for (int n = 0; n < 30; ++n) std::memset(arena.Allocate(100, 1), 1, 100);
    EXPECT_EQ(pool.lent(), 0U);
    arena.Reset();
  }
}

TEST(Arena, GivesItsSlabsBackOnResetAndWhenItDies) {
  SlabPool pool;
  {
    Arena arena(pool);
    std::memset(arena.Allocate(10'000), 1, 10'000);
    std::memset(arena.Allocate(10'000), 1, 10'000);
    std::memset(arena.Allocate(100'000), 1, 100'000);
    EXPECT_EQ(pool.lent(), 3U);
    arena.Reset();
    EXPECT_EQ(pool.lent(), 0U);
    std::memset(arena.Allocate(10'000), 1, 10'000);
  }
  EXPECT_EQ(pool.lent(), 0U);
}

TEST(Arena, AlignsAsAsked) {
  SlabPool pool;
  Arena arena(pool);
  for (size_t align = 1; align <= 256; align *= 2) {
    for (int i = 0; i < 200; ++i) {
      arena.Allocate(1, 1);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(arena.Allocate(40, align)) % align, 0U);
    }
  }
  uint64_t* numbers = arena.AllocateArray<uint64_t>(5000);
  for (uint64_t i = 0; i < 5000; ++i) numbers[i] = i;
  EXPECT_EQ(numbers[4999], 4999U);
}

TEST(Arena, CopiesAndJoinsStrings) {
  SlabPool pool;
  Arena arena(pool);
  std::string text = "hello";
  const std::string_view copy = arena.Copy(text);
  text = "HELLO";
  EXPECT_EQ(copy, "hello");
  EXPECT_EQ(arena.Copy(""), "");
  EXPECT_EQ(arena.Concat({"a", "", "bc", copy}), "abchello");
  EXPECT_EQ(arena.Concat({"", ""}), "");
}

TEST(Arena, KeepsEverythingItHandedOutApart) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  SlabPool pool;
  Arena arena(pool);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::pair<std::string_view, std::string>> copies;
    for (int i = 0; i < 300; ++i) {
      const size_t bytes = rng.Below(10) == 0 ? rng.Below(40'000) : rng.Below(200);
      std::string text(bytes, static_cast<char>('a' + rng.Below(26)));
      copies.emplace_back(arena.Copy(text), text);
    }
    for (const auto& [copy, text] : copies) ASSERT_EQ(copy, text);
    arena.Reset();
  }
}

TEST(ArenaDeathTest, ASizeThatUnderflowedIsABrokenInvariant) {
  SlabPool pool;
  Arena arena(pool);
  EXPECT_DEATH(arena.Allocate(SIZE_MAX - 3, 1), "bytes <= kArenaPieceBytesMax");
}

#ifdef HG_POISONING
TEST(ArenaDeathTest, ReadingWhatAResetHasForgottenIsFound) {
  SlabPool pool;
  Arena arena(pool);
  const std::string_view text = arena.Copy("hello, world");
  arena.Reset();
  EXPECT_DEATH(EXPECT_EQ(*static_cast<const volatile char*>(text.data()), 'h'), "use-after-poison");
}
#endif

}  // namespace
}  // namespace headgate::base
