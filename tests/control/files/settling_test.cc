#include "control/files/settling.h"

#include <gtest/gtest.h>

namespace headgate::control {
namespace {

struct SettlingTest : ::testing::Test {
  // Of one file, `a`, that was written `ago`.
  bool IsSettled(const std::string& text, base::Duration ago, uint64_t inode = 1) {
    return settling.IsSettled({{"a", text}}, {{inode, clock.WallNow() - ago}});
  }
  void SetUp() override { settling.Take({{"a", "old"}}, {{1, clock.WallNow()}}); }

  static constexpr std::chrono::seconds kLong{60};
  base::FakeClock clock;
  Settling settling{clock};
};

TEST_F(SettlingTest, WhatIsTheSameOrNewOrWasReplacedIsWhole) {
  EXPECT_TRUE(IsSettled("old", {}));
  EXPECT_TRUE(IsSettled("new", {}, 2));
  EXPECT_TRUE(settling.IsSettled({{"b", "new"}}, {{1, clock.WallNow()}}));
}

TEST_F(SettlingTest, WhatWasRewrittenLooksTheSameAtTwoLooks) {
  EXPECT_FALSE(IsSettled("new", kLong)) << "its time may be that of before";
  EXPECT_FALSE(IsSettled("new", kLong)) << "too soon";
  clock.Advance(Settling::kSecondLook);
  EXPECT_TRUE(IsSettled("new", kLong));
}

TEST_F(SettlingTest, WhatChangesMeanwhileWaitsAnew) {
  EXPECT_FALSE(IsSettled("ne", kLong));
  clock.Advance(Settling::kSecondLook);
  EXPECT_FALSE(IsSettled("new", kLong));
  clock.Advance(Settling::kSecondLook);
  EXPECT_TRUE(IsSettled("new", kLong));
}

TEST_F(SettlingTest, WhatWasJustWrittenRests) {
  EXPECT_FALSE(IsSettled("new", {}));
  clock.Advance(Settling::kSecondLook);
  EXPECT_FALSE(IsSettled("new", Settling::kSecondLook));
  clock.Advance(Settling::kSettled);
  EXPECT_TRUE(IsSettled("new", Settling::kSecondLook + Settling::kSettled));
}

TEST_F(SettlingTest, WhatWasEmptiedRestsLonger) {
  EXPECT_FALSE(IsSettled("", {}));
  clock.Advance(Settling::kSettled);
  EXPECT_FALSE(IsSettled("", Settling::kSettled));
  EXPECT_TRUE(IsSettled("", Settling::kEmptied));
}

TEST_F(SettlingTest, WhatWasTakenIsWhole) {
  settling.Take({{"a", "new"}}, {{1, clock.WallNow()}});
  EXPECT_TRUE(IsSettled("new", {}));
}

}  // namespace
}  // namespace headgate::control
