#include "base/limits.h"

#include <gtest/gtest.h>

#include "base/slab.h"

namespace headgate::base {
namespace {

TEST(Limits, FitEachOther) {
  EXPECT_LE(kFieldBytesMax, kHeadBytesMax);
  EXPECT_LE(kTargetBytesMax + kMethodBytesMax, kHeadBytesMax);
  EXPECT_LE(kTrailersBytesMax, kHeadBytesMax);
  EXPECT_LE(kReplayBufferBytesMax, kStreamBufferBytes);
  // A stream's buffer may come in slabs that are not quite 16 KiB, each with a frame before and behind it.
  EXPECT_LE(3 * ((kStreamBufferBytes + kSlabBytes - 1) / kSlabBytes), kGatherMax);
}

}  // namespace
}  // namespace headgate::base
