#include "base/poison.h"

#include <gtest/gtest.h>

#include <array>

#include "base/slab.h"

namespace headgate::base {
namespace {

TEST(Poison, LeavesMemoryUsableOnceItIsTakenBack) {
  std::array<char, 64> bytes{};
  Poison(bytes.data(), bytes.size());
  Unpoison(bytes.data(), bytes.size());
  bytes[63] = 'x';
  EXPECT_EQ(bytes[63], 'x');
}

#ifdef HG_POISONING
TEST(PoisonDeathTest, ReadingASpareSlabIsFound) {
  SlabPool pool;
  SlabRef slab = pool.Take();
  const volatile char* data = slab->data();
  slab.reset();
  EXPECT_DEATH(EXPECT_EQ(*data, 0), "use-after-poison");
}
#endif

}  // namespace
}  // namespace headgate::base
