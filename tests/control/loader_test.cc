#include "control/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/crypto/crypto.h"
#include "config/diagnostic.h"
#include "config/model.h"
#include "control/files/file_source.h"
#include "tests/control/temporary_directory.h"

namespace headgate::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kMain[] = "listeners: [{name: web, address: \"127.0.0.1:1\"}]\n";

std::string Route(const std::string& name, const std::string& more = {}) {
  return "routes: [{name: " + name + ", matches: [{path: {exact: /" + name + more + "}}], respond: {status: 200}}]\n";
}

std::vector<std::string> RoutesOf(const Loader::Loaded& loaded) {
  std::vector<std::string> names;
  if (loaded.compiled == nullptr) return names;
  for (const auto& route : loaded.compiled->routes) names.push_back(route->name);
  return names;
}

std::vector<std::string> NamesInEffect(const Loader::Loaded& loaded) {
  std::vector<std::string> names;
  for (const config::Unit& file : loaded.in_effect) names.push_back(file.id);
  return names;
}

struct LoaderTest : ::testing::Test {
  LoaderTest() { directory.Write("headgate.yaml", kMain); }
  Loader::Loaded Load(Loader& loader, const routing::Compiled* previous = nullptr) {
    auto content = loader.Read();
    EXPECT_TRUE(content.ok()) << content.status().ToString();
    return loader.Load(*std::move(content), previous);
  }
  const config::UnitReport& ReportOf(const Loader::Loaded& loaded, const std::string& name) {
    for (const config::UnitReport& file : loaded.proposal.units) {
      if (file.id.ends_with(name)) return file;
    }
    ADD_FAILURE() << "no report of " << name;
    return loaded.proposal.units.front();
  }

  TemporaryDirectory directory;
};

TEST_F(LoaderTest, TheHashOfOneFileIsThatOfItsText) {
  Loader loader(*FileSource::Open(directory.File("headgate.yaml")));
  const Loader::Loaded loaded = Load(loader);
  EXPECT_NE(loaded.compiled, nullptr);
  EXPECT_FALSE(loaded.HasErrors());
  EXPECT_EQ(loaded.hash, base::Sha256Hex(kMain));
}

TEST_F(LoaderTest, TheHashOfSeveralFilesTellsWhichFileHoldsWhat) {
  const std::string ab = HashOf({{"a", "x"}, {"b", "y"}});
  EXPECT_NE(ab, HashOf({{"a", "y"}, {"b", "x"}}));
  EXPECT_NE(ab, HashOf({{"a", "x"}, {"c", "y"}}));
  EXPECT_EQ(ab, HashOf({{"a", "x"}, {"b", "y"}}));
}

TEST_F(LoaderTest, ABadFileKeepsItsLastGoodTextAndTheOthersGoOn) {
  directory.Write("a.yaml", Route("a"));
  Loader loader(*FileSource::Open(directory.path()));
  const Loader::Loaded first = Load(loader);
  EXPECT_THAT(RoutesOf(first), ElementsAre("a"));
  loader.Commit(first);
  directory.Write("a.yaml", "routes: [");
  directory.Write("b.yaml", Route("b"));
  const Loader::Loaded second = Load(loader, first.compiled.get());
  EXPECT_TRUE(second.HasErrors());
  EXPECT_THAT(RoutesOf(second), ElementsAre("a", "b"));
  EXPECT_EQ(ReportOf(second, "a.yaml").status, config::UnitStatus::kKept);
  ASSERT_EQ(second.in_effect.size(), 3U);
  EXPECT_EQ(second.in_effect[1].text, Route("a")) << "the text in effect is the good one, not the one on disk";
}

TEST_F(LoaderTest, AFileThatCannotBeReadKeepsItsLastGoodTextAndItsNames) {
  directory.Write("b.yaml", Route("same"));
  Loader loader(*FileSource::Open(directory.path()));
  const Loader::Loaded first = Load(loader);
  loader.Commit(first);
  std::filesystem::remove(directory.File("b.yaml"));
  std::filesystem::create_symlink("nowhere", directory.File("b.yaml"));
  directory.Write("a.yaml", Route("same"));
  for (int i = 0; i < 2; ++i) {
    const Loader::Loaded loaded = Load(loader, first.compiled.get());
    EXPECT_TRUE(loaded.HasErrors());
    EXPECT_THAT(RoutesOf(loaded), ElementsAre("same"));
    EXPECT_EQ(ReportOf(loaded, "b.yaml").status, config::UnitStatus::kKept);
    EXPECT_EQ(ReportOf(loaded, "a.yaml").status, config::UnitStatus::kLeftOut);
    EXPECT_THAT(NamesInEffect(loaded), ElementsAre("headgate.yaml", "b.yaml"));
    EXPECT_EQ(loaded.in_effect.back().text, Route("same"));
    loader.Commit(loaded);
  }
}

TEST_F(LoaderTest, AMainFileThatCannotBeReadIsNothingToStartWithAndKeptLater) {
  directory.Write("a.yaml", Route("a"));
  Loader loader(*FileSource::Open(directory.path()));
  const Loader::Loaded first = Load(loader);
  loader.Commit(first);
  std::filesystem::remove(directory.File("headgate.yaml"));
  std::filesystem::create_directory(directory.File("headgate.yaml"));
  directory.Write("a.yaml", Route("more"));
  EXPECT_THAT(RoutesOf(Load(loader)), ElementsAre("more"));
  Loader fresh(*FileSource::Open(directory.path()));
  EXPECT_EQ(Load(fresh).compiled, nullptr);
}

TEST_F(LoaderTest, WithoutACommitABadFileHasNoLastGoodText) {
  directory.Write("a.yaml", Route("a"));
  Loader loader(*FileSource::Open(directory.path()));
  Load(loader);
  directory.Write("a.yaml", "routes: [");
  const Loader::Loaded second = Load(loader);
  EXPECT_EQ(ReportOf(second, "a.yaml").status, config::UnitStatus::kLeftOut);
  EXPECT_EQ(NamesInEffect(second).size(), 1U);
  EXPECT_TRUE(RoutesOf(second).empty());
}

TEST_F(LoaderTest, WhatOnlyCompilingFindsLeavesItsFileOutAndNoOther) {
  directory.Write("a.yaml", "routes: [{name: a, matches: [{path: {regex: \"/(\"}}], respond: {status: 200}}]\n");
  directory.Write("b.yaml", Route("b"));
  Loader loader(*FileSource::Open(directory.path()));
  const Loader::Loaded loaded = Load(loader);
  EXPECT_TRUE(loaded.HasErrors());
  EXPECT_THAT(RoutesOf(loaded), ElementsAre("b"));
  EXPECT_EQ(ReportOf(loaded, "a.yaml").status, config::UnitStatus::kLeftOut);
  EXPECT_TRUE(ReportOf(loaded, "a.yaml").diagnostics.HasErrors());
}

TEST_F(LoaderTest, RejectLeavesOutTheFileThatTheProblemsPointInto) {
  directory.Write("a.yaml", Route("a"));
  directory.Write("b.yaml", Route("b"));
  Loader loader(*FileSource::Open(directory.path()));
  const Loader::Loaded loaded = Load(loader);
  ASSERT_THAT(RoutesOf(loaded), ElementsAre("a", "b"));
  config::DiagnosticList problems;
  problems.Error(config::Code::kCertificateMissing, loaded.proposal.model->routes[0]->at, "the file went away");
  const Loader::Loaded rest = loader.Reject(problems, nullptr);
  EXPECT_THAT(RoutesOf(rest), ElementsAre("b"));
  EXPECT_EQ(ReportOf(rest, "a.yaml").status, config::UnitStatus::kLeftOut);
}

TEST_F(LoaderTest, ABadMainFileWithNothingBeforeItIsNothingToStartWith) {
  directory.Write("headgate.yaml", "listeners: [");
  Loader loader(*FileSource::Open(directory.path()));
  const Loader::Loaded loaded = Load(loader);
  EXPECT_EQ(loaded.compiled, nullptr);
  EXPECT_TRUE(loaded.HasErrors());
}

TEST_F(LoaderTest, AFileThatIsNotReadIsAWarningByName) {
  directory.Write("team.yml", Route("a"));
  Loader loader(*FileSource::Open(directory.path()));
  const Loader::Loaded loaded = Load(loader);
  EXPECT_FALSE(loaded.HasErrors());
  ASSERT_EQ(loaded.proposal.units.front().diagnostics.items().size(), 1U);
  EXPECT_THAT(loaded.proposal.units.front().diagnostics.items()[0].message, HasSubstr("'team.yml' is not read"));
}

TEST_F(LoaderTest, AFurtherCheckJudgesAFileThatIsBadAnyway) {
  directory.Write("headgate.yaml", std::string(kMain) + "routez: []\n");
  Loader loader(*FileSource::Open(directory.path()), [](const config::Model&, config::DiagnosticList& problems) {
    problems.Error(config::Code::kCertificateMissing, {0, 1, 1, 1}, "no such file");
  });
  const Loader::Loaded loaded = Load(loader);
  EXPECT_EQ(loaded.proposal.units.front().diagnostics.errors(), 2U);
}

TEST_F(LoaderTest, RoutesThatDidNotChangeAreTheSameObjects) {
  directory.Write("a.yaml", Route("a"));
  directory.Write("b.yaml", Route("b"));
  Loader loader(*FileSource::Open(directory.path()));
  const Loader::Loaded first = Load(loader);
  loader.Commit(first);
  directory.Write("b.yaml", Route("b", "/more"));
  const Loader::Loaded second = Load(loader, first.compiled.get());
  ASSERT_EQ(second.compiled->routes.size(), 2U);
  EXPECT_EQ(second.compiled->routes[0], first.compiled->routes[0]);
  EXPECT_NE(second.hash, first.hash);
}

}  // namespace
}  // namespace headgate::control
