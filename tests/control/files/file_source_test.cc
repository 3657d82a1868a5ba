#include "control/files/file_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "tests/control/temporary_directory.h"

namespace headgate::control {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Names(const FileSource::Content& content) {
  std::vector<std::string> names;
  for (const config::Unit& file : content.units) names.push_back(file.id);
  return names;
}

std::vector<std::string> Problems(const FileSource::Content& content) {
  std::vector<std::string> problems;
  for (const config::Unit& file : content.units) problems.push_back(file.problem);
  return problems;
}

TEST(FileSource, OfOneFileIsThatFileUnderTheNameGiven) {
  const TemporaryDirectory directory;
  directory.Write("a.yaml", "routes: []");
  auto source = *FileSource::Open(directory.File("a.yaml"));
  EXPECT_FALSE(source->unit_options().confined);
  const auto content = source->Read();
  ASSERT_TRUE(content.ok());
  EXPECT_THAT(Names(*content), ElementsAre(directory.File("a.yaml")));
  EXPECT_EQ(content->units.front().text, "routes: []");
}

TEST(FileSource, OfADirectoryIsItsYamlFilesInOrderWithoutHiddenOnes) {
  const TemporaryDirectory directory;
  for (const char* name : {"b.yaml", "headgate.yaml", "a.yaml", ".swap.yaml", "notes.txt"}) directory.Write(name, "");
  const auto content = (*FileSource::Open(directory.path()))->Read();
  ASSERT_TRUE(content.ok());
  EXPECT_THAT(Names(*content), ElementsAre("a.yaml", "b.yaml", "headgate.yaml"));
}

TEST(FileSource, WhatLooksLikeConfigurationAndIsNotReadIsNamed) {
  const TemporaryDirectory directory;
  for (const char* name : {"headgate.yaml", "team.yml", "TEAM.YAML", "x.json", ".hidden.yml", "a.yaml~", "a.yaml.bak",
                           "#a.yaml#", ".a.yaml.swp", "notes.txt", "tls.crt"}) {
    directory.Write(name, "");
  }
  for (const char* folder : {"routes", "deep", "deep/er", "tls", "..2026", ".git"})
    fs::create_directory(directory.File(folder));
  for (const char* name :
       {"routes/a.yaml", "deep/er/b.yml", "tls/tls.crt", "tls/.x.yaml", "..2026/a.yaml", ".git/a.yaml"}) {
    directory.Write(name, "");
  }
  const auto content = (*FileSource::Open(directory.path()))->Read();
  ASSERT_TRUE(content.ok());
  EXPECT_THAT(Names(*content), ElementsAre("headgate.yaml"));
  EXPECT_THAT(content->passed_over, ElementsAre("TEAM.YAML", "deep/", "routes/", "team.yml", "x.json"));
}

TEST(FileSource, ALinkOutOfTheDirectoryIsRefusedAndOneWithinItIsNot) {
  const TemporaryDirectory outside;
  outside.Write("secret.yaml", "x");
  const TemporaryDirectory directory;
  fs::create_directory(directory.File("..2026"));
  directory.Write("..2026/headgate.yaml", "routes: []");
  fs::create_symlink("..2026", directory.File("..data"));
  fs::create_symlink("..data/headgate.yaml", directory.File("headgate.yaml"));
  fs::create_symlink(outside.File("secret.yaml"), directory.File("stolen.yaml"));
  const auto content = (*FileSource::Open(directory.path()))->Read();
  ASSERT_TRUE(content.ok());
  EXPECT_THAT(Names(*content), ElementsAre("headgate.yaml", "stolen.yaml"));
  EXPECT_THAT(Problems(*content), ElementsAre("", HasSubstr("leads out of")));
  EXPECT_EQ(content->units[1].text, "");
}

TEST(FileSource, ALinkAboveThatIsSwitchedIsFollowedAnewAtEachRead) {
  const TemporaryDirectory directory;
  for (const char* release : {"a", "b"}) {
    fs::create_directory(directory.File(release));
    directory.Write(release + std::string("/headgate.yaml"), std::string("# ") + release);
    directory.Write(release + std::string("/routes.yaml"), std::string("# routes of ") + release);
  }
  fs::create_symlink("a", directory.File("cur"));
  auto folder = *FileSource::Open(directory.File("./cur/"));
  auto file = *FileSource::Open(directory.File("cur/headgate.yaml"));
  EXPECT_EQ(folder->directory(), directory.File("cur"));
  EXPECT_EQ(file->directory(), directory.File("cur"));
  EXPECT_EQ((*FileSource::Open(directory.File("cur/../b")))->directory(), directory.File("b"));
  EXPECT_EQ(folder->Read()->units.at(1).text, "# routes of a");
  fs::create_symlink("b", directory.File("next"));
  fs::rename(directory.File("next"), directory.File("cur"));
  fs::remove_all(directory.File("a"));
  EXPECT_EQ(folder->Read()->units.at(0).text, "# b");
  EXPECT_EQ(folder->Read()->units.at(1).text, "# routes of b");
  EXPECT_EQ(file->Read()->units.at(0).text, "# b");
}

TEST(FileSource, AFileThatCannotBeReadIsThereWithTheReason) {
  const TemporaryDirectory directory;
  directory.Write("headgate.yaml", "");
  fs::create_symlink("nowhere", directory.File("dangling.yaml"));
  fs::create_directory(directory.File("folder.yaml"));
  const auto content = (*FileSource::Open(directory.path()))->Read();
  ASSERT_TRUE(content.ok());
  EXPECT_THAT(Names(*content), ElementsAre("dangling.yaml", "folder.yaml", "headgate.yaml"));
  EXPECT_THAT(Problems(*content), ElementsAre(HasSubstr("No such file"), HasSubstr("directory"), ""));
}

TEST(FileSource, OfADirectoryThatMayOnlyBeListedNoFileIsGone) {
  const TemporaryDirectory directory;
  directory.Write("headgate.yaml", "");
  directory.Write("routes.yaml", "");
  auto source = *FileSource::Open(directory.path());
  fs::permissions(directory.path(), fs::perms(0644));
  const bool is_root = ::geteuid() == 0;
  constexpr uid_t kNobody = 65534;
  if (is_root) {
    ASSERT_EQ(::chown(directory.path().c_str(), kNobody, kNobody) + ::seteuid(kNobody), 0);
  }
  const auto content = source->Read();
  if (is_root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  fs::permissions(directory.path(), fs::perms(0755));
  ASSERT_TRUE(content.ok());
  EXPECT_THAT(Problems(*content), ElementsAre(HasSubstr("Permission denied"), HasSubstr("Permission denied")));
}

TEST(FileSource, AKeyThatAConfigMapLostIsGoneThoughItsLinkIsNotYet) {
  const TemporaryDirectory directory;
  fs::create_directory(directory.File("..2026"));
  directory.Write("..2026/headgate.yaml", "routes: []");
  fs::create_symlink("..2026", directory.File("..data"));
  for (const char* name : {"headgate.yaml", "removed.yaml"}) {
    fs::create_symlink(std::string("..data/") + name, directory.File(name));
  }
  auto source = *FileSource::Open(directory.path());
  EXPECT_THAT(Names(*source->Read()), ElementsAre("headgate.yaml"));
  fs::remove(directory.File("..data"));
  EXPECT_THAT(Problems(*source->Read()), ElementsAre(HasSubstr("No such file"), HasSubstr("No such file")))
      << "without ..data every key would be gone";
}

TEST(FileSource, NothingAtThePathIsAnErrorThatNamesIt) {
  auto source = FileSource::Open("/nowhere/headgate.yaml");
  EXPECT_EQ(source.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(source.status().message()), HasSubstr("/nowhere/headgate.yaml"));
}

TEST(FileSource, AReaderGetsOneByteMoreThanTheLimitAtMost) {
  const TemporaryDirectory directory;
  directory.Write("big", std::string(200'000, 'x'));
  EXPECT_EQ(ReadFile(directory.File("big"), 100'000)->size(), 100'001U);
  EXPECT_EQ(ReadFile(directory.File("big"), 200'000)->size(), 200'000U);
  EXPECT_FALSE(ReadFile(directory.path(), 10).ok());
}

TEST(FileSource, OfAPipeEverythingIsReadUntilItsWriterLeavesAndOneWithoutAWriterIsAnError) {
  const TemporaryDirectory directory;
  const std::string path = directory.File("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(ReadFile(path, 100).ok());
  EXPECT_THAT(std::string(ReadFile(path, 100, std::chrono::milliseconds(20)).status().message()),
              HasSubstr("timed out"));
  auto text = std::async(std::launch::async, [&] { return ReadFile(path, 100'000, std::chrono::seconds(20)); });
  std::ofstream writer(path);
  // More than a pipe holds at one time: the rest comes when some was read.
  writer << std::string(90'000, 'x') << std::flush;
  writer.close();
  EXPECT_EQ(text.get()->size(), 90'000U);
}

TEST(FileSource, APipeIsReadOnceAndKeepsItsContent) {
  const TemporaryDirectory directory;
  const std::string path = directory.File("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  auto source = *FileSource::Open(path);
  EXPECT_FALSE(source->Read().ok()) << "nobody wrote yet";
  auto read = std::async(std::launch::async, [&] { return source->Read(std::chrono::seconds(60)); });
  std::ofstream(path) << "routes: []";
  ASSERT_TRUE(read.get().ok());
  const auto again = source->Read();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->units[0].text, "routes: []");
}

TEST(FileSource, AFileThatWasReplacedHasAnotherIdentityAndOneThatWasRewrittenHasNot) {
  const TemporaryDirectory directory;
  directory.Write("headgate.yaml", "a");
  auto source = *FileSource::Open(directory.path());
  const uint64_t first = source->Read()->identities.front().inode;
  directory.Write("headgate.yaml", "b");
  EXPECT_EQ(source->Read()->identities.front().inode, first);
  directory.Write("next", "c");
  fs::rename(directory.File("next"), directory.File("headgate.yaml"));
  EXPECT_NE(source->Read()->identities.front().inode, first);
}

TEST(FileSource, HandsNothingOverWhileAFileIsRewrittenInPlaceUnlessItIsAskedFor) {
  const TemporaryDirectory directory;
  directory.Write("headgate.yaml", "via: true");
  directory.Write("a.yaml", "routes: []");
  auto source = *FileSource::Open(directory.path());
  const auto first = source->Ask(Trigger::kStart);
  ASSERT_EQ(first->offer->units.size(), 2U);
  EXPECT_EQ(first->offer->units[0].kind, config::UnitKind::kRoutes);
  EXPECT_EQ(first->offer->units[1].kind, config::UnitKind::kMain);
  EXPECT_TRUE(source->Ask(Trigger::kWatch)->offer);
  directory.Write("a.yaml", "");
  const auto emptied = source->Ask(Trigger::kWatch);
  EXPECT_FALSE(emptied->offer);
  EXPECT_LT(emptied->again, Source::kPoll);
  EXPECT_TRUE(source->Ask(Trigger::kRequest)->offer);
}

}  // namespace
}  // namespace headgate::control
