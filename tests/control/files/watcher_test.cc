#include "control/files/watcher.h"

#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>
#include <filesystem>

#include "tests/control/temporary_directory.h"

namespace headgate::control {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(60);

struct WatcherTest : ::testing::Test {
  // Runs the loop until `count` in all were told.
  bool Told(int count) {
    const auto deadline = Clock::now() + kPatience;
    while (told < count && Clock::now() < deadline) io.run_one_until(deadline);
    return told >= count;
  }
  // Runs the loop for twice the time of quiet; nothing more may be told.
  bool Rests() {
    const int before = told;
    io.run_until(Clock::now() + 2 * Watcher::kQuiet);
    return told == before;
  }

  TemporaryDirectory directory;
  boost::asio::io_context io{1};
  int told = 0;
  Watcher watcher{io, [this] { ++told; }};
};

TEST_F(WatcherTest, ARewriteIsToldOnceAfterQuiet) {
  directory.Write("headgate.yaml", "a");
  watcher.Watch(directory.path(), {});
  const auto start = Clock::now();
  directory.Write("headgate.yaml", "b");
  directory.Write("headgate.yaml", "c");
  ASSERT_TRUE(Told(1));
  EXPECT_GE(Clock::now() - start, Watcher::kQuiet);
  EXPECT_TRUE(Rests());
}

TEST_F(WatcherTest, ARenameIsToldWithoutWaitingForQuiet) {
  directory.Write("next", "b");
  watcher.Watch(directory.path(), {});
  fs::rename(directory.File("next"), directory.File("headgate.yaml"));
  io.run_one_until(Clock::now() + kPatience);
  EXPECT_EQ(told, 1) << "by the first event that the loop handles, not by a timer";
}

TEST_F(WatcherTest, ASwapOfTheDataLinkIsToldAtOnceForAFileBehindIt) {
  fs::create_directory(directory.File("..1"));
  fs::create_directory(directory.File("..2"));
  directory.Write("..1/headgate.yaml", "a");
  directory.Write("..2/headgate.yaml", "b");
  fs::create_symlink("..1", directory.File("..data"));
  fs::create_symlink("..data/headgate.yaml", directory.File("headgate.yaml"));
  watcher.Watch({}, {directory.File("headgate.yaml")});
  fs::create_symlink("..2", directory.File("..data_tmp"));
  fs::rename(directory.File("..data_tmp"), directory.File("..data"));
  io.run_one_until(Clock::now() + kPatience);
  EXPECT_EQ(told, 1);
}

TEST_F(WatcherTest, ASwitchOfALinkOrFolderAboveIsTold) {
  for (const char* release : {"a", "b"}) {
    fs::create_directories(directory.File(release) + std::string("/conf"));
    directory.Write(release + std::string("/conf/headgate.yaml"), release);
  }
  fs::create_symlink("a", directory.File("cur"));
  fs::create_symlink(directory.File("cur"), directory.File("outer"));  // a link to a link
  for (const bool of_a_file : {false, true}) {
    watcher.Watch(of_a_file ? "" : directory.File("outer/conf"),
                  of_a_file ? std::vector{directory.File("outer/conf/headgate.yaml")} : std::vector<std::string>());
    int before = told;
    fs::create_symlink(of_a_file ? "a" : "b", directory.File("next"));
    fs::rename(directory.File("next"), directory.File("cur"));
    EXPECT_TRUE(Told(before + 1)) << of_a_file;
    watcher.Watch(of_a_file ? "" : directory.File("outer/conf"),
                  of_a_file ? std::vector{directory.File("outer/conf/headgate.yaml")} : std::vector<std::string>());
    before = told;
    const std::string folder = directory.File(of_a_file ? "a/conf" : "b/conf");
    fs::rename(folder, folder + ".old");
    fs::rename(folder + ".old", folder);
    EXPECT_TRUE(Told(before + 1)) << "a folder that is replaced";
    Rests();
  }
}

TEST_F(WatcherTest, OtherFilesOfTheDirectoryAreNobodysBusiness) {
  directory.Write("tls.crt", "a");
  watcher.Watch(directory.path(), {directory.File("tls.crt")});
  directory.Write("notes.txt", "x");
  directory.Write(".headgate.yaml.swp", "x");
  EXPECT_TRUE(Rests());
  directory.Write("tls.crt", "b");
  EXPECT_TRUE(Told(1));
}

TEST_F(WatcherTest, ItSaysWhenADirectoryIsNewToIt) {
  directory.Write("headgate.yaml", "a");
  EXPECT_TRUE(watcher.Watch(directory.path(), {}));
  EXPECT_FALSE(watcher.Watch(directory.path(), {directory.File("tls.crt")}));
  fs::create_directory(directory.File("certificates"));
  EXPECT_TRUE(watcher.Watch(directory.path(), {directory.File("certificates/tls.crt")}));
  EXPECT_FALSE(watcher.Watch(directory.path(), {}));
}

TEST_F(WatcherTest, WhatIsNoLongerWatchedIsNotTold) {
  directory.Write("tls.crt", "a");
  watcher.Watch({}, {directory.File("tls.crt")});
  watcher.Watch({}, {});
  directory.Write("tls.crt", "b");
  EXPECT_TRUE(Rests());
}

}  // namespace
}  // namespace headgate::control
