#include "base/slab.h"

#include <gtest/gtest.h>
#include <sys/uio.h>

#include <array>
#include <random>
#include <string>

#include "base/rng.h"

namespace headgate::base {
namespace {

Slice Filled(SlabPool& pool, std::string_view text) {
  SlabRef slab = pool.TakeLarge(text.size());
  std::memcpy(slab->data(), text.data(), text.size());
  const char* data = slab->data();
  return {std::move(slab), data, text.size()};
}

std::string TextOf(const Chain& chain) {
  std::string text;
  for (size_t i = 0; i < chain.slices(); ++i) text += chain[i].view();
  return text;
}

TEST(SlabPool, LendsABlockAgainAfterItsLastReferenceIsGone) {
  SlabPool pool;
  SlabRef first = pool.Take();
  const char* data = first->data();
  SlabRef second = first;
  EXPECT_FALSE(first->unique());
  first.reset();
  EXPECT_EQ(pool.lent(), 1U);
  EXPECT_TRUE(second->unique());
  second.reset();
  EXPECT_EQ(pool.lent(), 0U);
  EXPECT_EQ(pool.spare(), 1U);
  SlabRef again = pool.Take();
  EXPECT_EQ(again->data(), data);
  EXPECT_TRUE(again->unique());
}

TEST(SlabPool, KeepsAtMostItsSpareBlocksAndTrims) {
  SlabPool pool(2);
  {
    const SlabRef a = pool.Take();
    const SlabRef b = pool.Take();
    const SlabRef c = pool.Take();
    EXPECT_EQ(pool.lent(), 3U);
  }
  EXPECT_EQ(pool.spare(), 2U);
  pool.Trim(1);
  EXPECT_EQ(pool.spare(), 1U);
  pool.Trim(5);
  EXPECT_EQ(pool.spare(), 1U);
}

TEST(SlabPool, LendsLargeBlocksWithoutKeepingThem) {
  SlabPool pool;
  {
    const SlabRef large = pool.TakeLarge(100'000);
    EXPECT_GE(large->size(), 100'000U);
    std::memset(large->data(), 7, large->size());
    const SlabRef small = pool.TakeLarge(10);
    EXPECT_EQ(small->size(), kSlabBytes);
  }
  EXPECT_EQ(pool.spare(), 1U);
}

TEST(SlabPoolDeathTest, DyingBeforeASlabThatItLentIsABrokenInvariant) {
  EXPECT_DEATH(
      {
        SlabRef slab;
        SlabPool pool;
        slab = pool.Take();
      },
      "lent_ == 0");
}

TEST(SlabRef, AssigningToItselfKeepsTheReference) {
  SlabPool pool;
  SlabRef slab = pool.Take();
  const SlabRef& alias = slab;
  slab = alias;
  EXPECT_EQ(pool.lent(), 1U);
  EXPECT_TRUE(slab->unique());
}

TEST(Slice, IsEmptyAfterItWasMovedFrom) {
  SlabPool pool;
  Slice slice = Filled(pool, "hello");
  const Slice taken = std::move(slice);
  EXPECT_TRUE(slice.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(slice.data(), nullptr);
  EXPECT_EQ(taken.view(), "hello");
  EXPECT_TRUE(taken.owner()->unique());
}

TEST(Slice, LosesBytesAtItsFront) {
  Slice slice = Slice::Unowned("abcdef");
  slice.RemovePrefix(2);
  EXPECT_EQ(slice.view(), "cdef");
}

TEST(Chain, MergesSlicesThatContinueEachOtherInOneSlabOnly) {
  SlabPool pool;
  const Slice whole = Filled(pool, "abcdef");
  Chain chain;
  chain.Append(Slice(whole.owner(), whole.data(), 2));
  chain.Append(Slice(whole.owner(), whole.data() + 2, 4));
  EXPECT_EQ(chain.slices(), 1U);
  EXPECT_EQ(chain.front().view(), "abcdef");
  chain.Append(Filled(pool, "xyz"));
  chain.Append(Slice());
  EXPECT_EQ(chain.slices(), 2U);
  EXPECT_EQ(TextOf(chain), "abcdefxyz");
}

TEST(Chain, GivesItsSlabsBackAsTheyAreConsumed) {
  SlabPool pool;
  Chain chain;
  chain.Append(Filled(pool, "abc"));
  chain.Append(Filled(pool, "def"));
  EXPECT_EQ(pool.lent(), 2U);
  chain.Consume(4);
  EXPECT_EQ(pool.lent(), 1U);
  EXPECT_EQ(TextOf(chain), "ef");
  chain.Clear();
  EXPECT_EQ(pool.lent(), 0U);
  EXPECT_TRUE(chain.empty());
}

TEST(Chain, GathersAtMostWhatFits) {
  SlabPool pool;
  Chain chain;
  for (int i = 0; i < 5; ++i) chain.Append(Filled(pool, std::string(static_cast<size_t>(i) + 1, 'x')));
  std::array<iovec, 3> three{};
  EXPECT_EQ(chain.Gather(three), 3U);
  EXPECT_EQ(three[2].iov_len, 3U);
  chain.Consume(1);
  std::array<iovec, 8> eight{};
  EXPECT_EQ(chain.Gather(eight), 4U);
  EXPECT_EQ(eight[0].iov_len, 2U);
}

TEST(Chain, DoesNotGrowWhileItIsNeverEmptyAndEveryConsumeEndsWithinASlice) {
  SlabPool pool(4);
  Chain chain;
  chain.Append(Filled(pool, "ab"));
  for (int i = 0; i < 100'000; ++i) {
    chain.Append(Filled(pool, "ab"));
    chain.Consume(i == 0 ? 1 : 2);
    ASSERT_LE(chain.storage(), 200U) << "after " << i << " slices";
  }
  EXPECT_EQ(TextOf(chain), "bab");
}

TEST(ChainDeathTest, ConsumingMoreThanThereIsIsABrokenInvariant) {
  Chain chain;
  chain.Append(Slice::Unowned("abc"));
  EXPECT_DEATH(chain.Consume(4), "bytes <= size_");
}

class ChainAgainstString : public testing::Test {
 protected:
  std::string Random(size_t bytes_max) {
    std::string text(rng.Below(bytes_max + 1), '\0');
    for (char& c : text) c = static_cast<char>('a' + rng.Below(26));
    return text;
  }
  void AppendSome() {
    const std::string text = Random(50);
    Slice slice = Filled(pool, text);
    const size_t cut = rng.Below(text.size() + 1);
    chain.Append(Slice(slice.owner(), slice.data(), cut));
    chain.Append(Slice(slice.owner(), slice.data() + cut, text.size() - cut));
    model += text;
  }
  void MoveSome() {
    Chain part;
    const size_t bytes = rng.Below(120);
    chain.MoveTo(part, bytes);
    EXPECT_EQ(TextOf(part), model.substr(0, bytes));
    if (rng.Below(2) == 0) {  // back to the other end
      model = model.substr(std::min(bytes, model.size())) + model.substr(0, bytes);
      chain.Append(part);
      EXPECT_TRUE(part.empty());
    } else {
      model.erase(0, bytes);
    }
  }
  void Step() {
    switch (rng.Below(6)) {
      case 0:
      case 1:
        AppendSome();
        break;
      case 2: {
        const size_t bytes = rng.Below(model.size() + 1);
        chain.Consume(bytes);
        model.erase(0, bytes);
        break;
      }
      case 3:
        MoveSome();
        break;
      case 4: {
        Chain shared;
        chain.ShareTo(shared);
        EXPECT_EQ(TextOf(shared), model);
        break;
      }
      default: {
        Chain moved(std::move(chain));
        chain = std::move(moved);
        break;
      }
    }
  }

  Rng rng{0};
  SlabPool pool{8};
  Chain chain;
  std::string model;
};

TEST_F(ChainAgainstString, HoldsTheSameBytesUnderRandomUse) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  rng = Rng(seed);
  for (int i = 0; i < 20'000; ++i) {
    Step();
    ASSERT_EQ(chain.size(), model.size()) << "step " << i;
    ASSERT_EQ(TextOf(chain), model) << "step " << i;
    if (model.size() > 4000) {
      chain.Clear();
      model.clear();
    }
  }
  chain.Clear();
  EXPECT_EQ(pool.lent(), 0U);
}

}  // namespace
}  // namespace headgate::base
