#include "base/file_stamp.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace headgate::base {
namespace {

namespace fs = std::filesystem;

struct FileStampTest : ::testing::Test {
  FileStampTest() { fs::create_directories(directory); }
  ~FileStampTest() override { fs::remove_all(directory); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(directory / name, std::ios::trunc) << text;
    return (directory / name).string();
  }

  fs::path directory = fs::path(::testing::TempDir()) / ("file_stamp_" + std::to_string(::getpid()));
  WallTime now = SystemClock().WallNow();
  WallTime later = now + std::chrono::hours(1);
};

TEST_F(FileStampTest, HoldsWhileTheFileIsAsItWas) {
  const std::string path = Write("a", "one");
  const FileStamp stamp = FileStamp::Of(path, later);
  EXPECT_TRUE(stamp.Holds(FileStamp::Of(path, later)));
  Write("a", "three");
  EXPECT_FALSE(stamp.Holds(FileStamp::Of(path, later)));
  EXPECT_FALSE(stamp.SameAs(FileStamp::Of(path, later)));
}

TEST_F(FileStampTest, OfAFileThatWasJustWrittenProvesNothing) {
  const std::string path = Write("a", "one");
  const FileStamp fresh = FileStamp::Of(path, now);
  EXPECT_TRUE(fresh.SameAs(FileStamp::Of(path, now)));
  EXPECT_FALSE(fresh.Holds(FileStamp::Of(path, later)));
  EXPECT_FALSE(FileStamp::Of(path, now - std::chrono::hours(1)).Holds(FileStamp::Of(path, later))) << "a clock behind";
}

TEST_F(FileStampTest, AnotherFileOfTheSameSizeUnderTheNameIsSeen) {
  const std::string path = Write("a", "one");
  const FileStamp stamp = FileStamp::Of(path, later);
  fs::rename(Write("b", "two"), path);
  EXPECT_FALSE(stamp.Holds(FileStamp::Of(path, later)));
}

TEST_F(FileStampTest, WhereALinkLeadsCounts) {
  Write("a", "one");
  Write("b", "one");
  const fs::path link = directory / "link";
  fs::create_symlink("a", link);
  const FileStamp stamp = FileStamp::Of(link.string(), later);
  fs::remove(link);
  fs::create_symlink("b", link);
  EXPECT_FALSE(stamp.Holds(FileStamp::Of(link.string(), later)));
}

TEST_F(FileStampTest, AMissingFileNeverHolds) {
  const std::string path = (directory / "none").string();
  const FileStamp stamp = FileStamp::Of(path, later);
  EXPECT_TRUE(stamp.SameAs(FileStamp::Of(path, later)));
  EXPECT_FALSE(stamp.Holds(FileStamp::Of(path, later)));
  Write("none", "one");
  EXPECT_FALSE(stamp.SameAs(FileStamp::Of(path, later)));
}

}  // namespace
}  // namespace headgate::base
