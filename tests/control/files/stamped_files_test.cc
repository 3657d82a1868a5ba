#include "control/files/stamped_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/control/temporary_directory.h"

namespace headgate::control {
namespace {

using ::testing::ElementsAre;

TEST(StampedFiles, SayOnceThatOneOfThemChangedCameOrWent) {
  const TemporaryDirectory directory;
  directory.Write("a", "1");
  StampedFiles files;
  files.Add({directory.File("a"), directory.File("b")});
  EXPECT_FALSE(files.Moved());
  directory.Write("a", "12");
  EXPECT_TRUE(files.Moved());
  EXPECT_FALSE(files.Moved());
  directory.Write("b", "");
  EXPECT_TRUE(files.Moved());
  std::filesystem::remove(directory.File("a"));
  EXPECT_TRUE(files.Moved());
}

TEST(StampedFiles, OneThatIsAddedAgainKeepsTheStampOfBefore) {
  const TemporaryDirectory directory;
  directory.Write("a", "1");
  StampedFiles files;
  files.Add({directory.File("a")});
  directory.Write("a", "12");
  files.Add({directory.File("a")});
  EXPECT_TRUE(files.Moved());
}

TEST(StampedFiles, LetGoOfOthers) {
  StampedFiles files;
  files.Add({"/a", "/b", "/c"});
  files.KeepOnly({"/b", "/d"});
  EXPECT_THAT(files.paths(), ElementsAre("/b"));
}

}  // namespace
}  // namespace headgate::control
