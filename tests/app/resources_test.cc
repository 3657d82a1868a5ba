#include "app/resources.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace headgate::app {
namespace {

TEST(Resources, QuotaIsRoundedUpToWholeCpus) {
  EXPECT_EQ(CpusOfQuota("150000 100000"), 2U);
  EXPECT_EQ(CpusOfQuota("100000 100000"), 1U);
  EXPECT_EQ(CpusOfQuota("10000 100000"), 1U);
  EXPECT_EQ(CpusOfQuota("400000 100000"), 4U);
}

TEST(Resources, NoQuotaIsNone) {
  for (const char* text : {"max 100000", "", " ", "-1 100000", "100000", "100000 0", "0 100000"}) {
    EXPECT_EQ(CpusOfQuota(text), std::nullopt) << text;
  }
}

TEST(Resources, ThereIsAlwaysACpu) { EXPECT_GE(AvailableCpus(), 1U); }

class CgroupTest : public ::testing::Test {
 protected:
  CgroupTest() { std::filesystem::create_directories(root_ / "memory"); }
  ~CgroupTest() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = root_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::optional<uint64_t> Limit() { return CgroupMemoryLimit((root_ / "groups").string(), root_.string()); }

  std::filesystem::path root_ = std::filesystem::temp_directory_path() / ("hg-cgroup-" + std::to_string(::getpid()));
};

TEST_F(CgroupTest, Version2TakesTheTightestOfAllLevels) {
  Write("groups", "0::/pods/one/main\n");
  EXPECT_EQ(Limit(), std::nullopt);
  Write("pods/one/main/memory.max", "max\n");
  EXPECT_EQ(Limit(), std::nullopt);
  Write("pods/one/memory.max", "268435456\n");
  EXPECT_EQ(Limit(), 268435456U);
  Write("pods/one/main/memory.max", "134217728\n");
  EXPECT_EQ(Limit(), 134217728U);
}

// In a container of its own name space the group is the root.
TEST_F(CgroupTest, TheRootMayHaveALimit) {
  Write("groups", "0::/\n");
  Write("memory.max", "268435456\n");
  EXPECT_EQ(Limit(), 268435456U);
}

TEST_F(CgroupTest, Version1NamesItsControllerAmongOthers) {
  Write("groups", "3:cpu,cpuacct:/x\n4:devices,memory:/pods/one\n");
  Write("memory/pods/one/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(Limit(), std::nullopt);
  Write("memory/pods/memory.limit_in_bytes", "536870912\n");
  EXPECT_EQ(Limit(), 536870912U);
}

TEST_F(CgroupTest, WhatIsNoNumberIsNoLimit) {
  for (const char* text : {"", "\n", "-1\n", "x\n"}) {
    Write("groups", "0::/a\n");
    Write("a/memory.max", text);
    EXPECT_EQ(Limit(), std::nullopt) << text;
  }
  for (const char* text : {"", "\n", "0\n", "0:\n", ":::\n"}) {
    Write("groups", text);
    EXPECT_EQ(Limit(), std::nullopt) << text;
  }
}

TEST(Resources, SomeMemoryIsResident) { EXPECT_GT(ResidentBytes(), 1024U * 1024U); }

TEST(Resources, FileLimitIsRaisedToTheHardOne) {
  RaiseFileLimit();
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
}

}  // namespace
}  // namespace headgate::app
