#include "config/units.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "config/model.h"
#include "tests/config/main_unit.h"

namespace headgate::config {
namespace {

const std::string kMain = "listeners: [{name: web, address: '0.0.0.0:8080'}]\n";

UnitSetOptions Directory() { return {.main_name = "headgate.yaml", .directory = "/etc/headgate", .confined = true}; }

std::string Ping(const std::string& name, const std::string& host) {
  return "routes: [{name: " + name + ", hostnames: [" + host + "], respond: {status: 200}}]\n";
}

std::string To(const std::string& name, const std::string& upstream) {
  return "routes: [{name: " + name + ", hostnames: [" + name + ".example], backends: [{upstream: " + upstream +
         "}]}]\n";
}

std::vector<std::string> RouteNames(const Proposal& proposal) {
  std::vector<std::string> names;
  if (proposal.model == nullptr) return {"no model"};
  for (const auto& route : proposal.model->routes) names.push_back(route->name.value);
  std::sort(names.begin(), names.end());
  return names;
}

using Names = std::vector<std::string>;

UnitStatus StatusOf(const Proposal& proposal, const std::string& name) {
  for (const UnitReport& report : proposal.units) {
    if (report.id == name) return report.status;
  }
  ADD_FAILURE() << "no report of " << name;
  return UnitStatus::kLeftOut;
}

bool Has(const Proposal& proposal, Code code) {
  for (const UnitReport& report : proposal.units) {
    for (const Diagnostic& diagnostic : report.diagnostics.items()) {
      if (diagnostic.code == code) return true;
    }
  }
  return false;
}

TEST(UnitSet, AFileThatCannotBeReadKeepsWhatItHadAndOneThatWasNeverReadIsLeftOut) {
  UnitSet set(Directory());
  set.Propose({Main(kMain), {"b.yaml", Ping("b", "b.example")}});
  set.Commit();
  const Proposal proposal = set.Propose({Main(kMain),
                                         {"a.yaml", Ping("b", "b.example")},
                                         {.id = "b.yaml", .problem = "may not be read"},
                                         {.id = "c.yaml", .problem = "may not be read"}});
  EXPECT_EQ(RouteNames(proposal), Names{"b"});
  EXPECT_EQ(StatusOf(proposal, "a.yaml"), UnitStatus::kLeftOut);
  EXPECT_EQ(StatusOf(proposal, "b.yaml"), UnitStatus::kKept);
  EXPECT_EQ(StatusOf(proposal, "c.yaml"), UnitStatus::kLeftOut);
  EXPECT_TRUE(Has(proposal, Code::kUnreadable));
  set.Commit();
  const Proposal again =
      set.Propose({Main(kMain), {"b.yaml", Ping("b2", "b.example")}, {"c.yaml", Ping("c", "c.example")}});
  EXPECT_FALSE(again.HasErrors());
  EXPECT_EQ(RouteNames(again), (Names{"b2", "c"}));
}

TEST(UnitSet, AFolderThatWasReachedThroughALinkHoldsWhatIsNamedThroughThatLink) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(::testing::TempDir()) / ("headgate-units-" + std::to_string(::getpid()));
  fs::create_directories(folder / "real");
  fs::create_directory_symlink("real", folder / "link");
  const auto names = [&](const std::string& file) {
    UnitSet set({.main_name = "headgate.yaml", .directory = (folder / "real").string(), .confined = true});
    return Has(set.Propose({Main(kMain + "upstreams: {a: {address: \"a:1\", tls: {caFile: " + (folder / file).string() +
                                 "}}}\n")}),
               Code::kPathOutside);
  };
  EXPECT_FALSE(names("link/ca.crt"));
  EXPECT_FALSE(names("real/ca.crt"));
  EXPECT_TRUE(names("link/../ca.crt"));
  EXPECT_TRUE(names("other/ca.crt"));
  fs::remove_all(folder);
}

TEST(UnitSet, MergesTheFilesOfADirectory) {
  UnitSet set(Directory());
  const Proposal proposal = set.Propose({{"b.yaml", Ping("b", "b.example")},
                                         Main(kMain + "upstreams: {shop: {address: shop:80}}"),
                                         {"a.yaml", To("a", "shop")}});
  EXPECT_EQ(RouteNames(proposal), (Names{"a", "b"}));
  EXPECT_FALSE(proposal.HasErrors());
  EXPECT_EQ(proposal.units[0].id, "headgate.yaml");
  EXPECT_EQ(proposal.units[1].id, "a.yaml");
  const Position& at = proposal.model->routes[0]->name.at;
  EXPECT_EQ(proposal.model->files[at.file], "a.yaml");
}

TEST(UnitSet, LeavesABadFileOutAtStartAndGoesOn) {
  UnitSet set(Directory());
  const Proposal proposal = set.Propose({Main(kMain), {"a.yaml", "routes: ["}, {"b.yaml", Ping("b", "b.example")}});
  EXPECT_EQ(RouteNames(proposal), Names{"b"});
  EXPECT_EQ(StatusOf(proposal, "a.yaml"), UnitStatus::kLeftOut);
  EXPECT_EQ(StatusOf(proposal, "b.yaml"), UnitStatus::kAccepted);
}

TEST(UnitSet, HasNoModelWhileTheMainFileIsBadAtStart) {
  UnitSet set(Directory());
  EXPECT_EQ(set.Propose({Main("lisners: []"), {"b.yaml", Ping("b", "b.example")}}).model, nullptr);
}

TEST(UnitSet, KeepsTheLastGoodContentOfEachFileByItself) {
  UnitSet set(Directory());
  set.Propose({Main(kMain), {"a.yaml", Ping("a", "a.example")}, {"b.yaml", Ping("b", "b.example")}});
  set.Commit();
  const Proposal proposal =
      set.Propose({Main("via: maybe"), {"a.yaml", "routes: ["}, {"b.yaml", Ping("b2", "b.example")}});
  EXPECT_EQ(RouteNames(proposal), (Names{"a", "b2"}));
  EXPECT_EQ(StatusOf(proposal, "headgate.yaml"), UnitStatus::kKept);
  EXPECT_EQ(StatusOf(proposal, "a.yaml"), UnitStatus::kKept);
  EXPECT_EQ(StatusOf(proposal, "b.yaml"), UnitStatus::kAccepted);
  EXPECT_TRUE(proposal.units[2].changed);
}

TEST(UnitSet, ChangesNothingWithoutACommit) {
  UnitSet set(Directory());
  set.Propose({Main(kMain), {"a.yaml", Ping("a", "a.example")}});
  set.Commit();
  set.Propose({Main(kMain), {"a.yaml", Ping("a2", "a.example")}});
  const Proposal proposal = set.Propose({Main(kMain), {"a.yaml", "routes: ["}});
  EXPECT_EQ(RouteNames(proposal), Names{"a"});
}

TEST(UnitSet, GivesANameToTheAlphabeticallyFirstAtStart) {
  UnitSet set(Directory());
  const Proposal proposal =
      set.Propose({Main(kMain), {"b.yaml", Ping("same", "b.example")}, {"a.yaml", Ping("same", "a.example")}});
  EXPECT_EQ(StatusOf(proposal, "a.yaml"), UnitStatus::kAccepted);
  EXPECT_EQ(StatusOf(proposal, "b.yaml"), UnitStatus::kLeftOut);
  EXPECT_TRUE(Has(proposal, Code::kNameTaken));
}

TEST(UnitSet, LeavesANameToTheFileInForce) {
  UnitSet set(Directory());
  set.Propose({Main(kMain), {"b.yaml", Ping("same", "b.example")}});
  set.Commit();
  const Proposal proposal =
      set.Propose({Main(kMain), {"a.yaml", Ping("same", "a.example")}, {"b.yaml", Ping("same", "b2.example")}});
  EXPECT_EQ(StatusOf(proposal, "a.yaml"), UnitStatus::kLeftOut);
  EXPECT_EQ(StatusOf(proposal, "b.yaml"), UnitStatus::kAccepted);
  EXPECT_EQ(proposal.model->routes[0]->hostnames[0].value, "b2.example");
}

TEST(UnitSet, LetsANameMoveFromOneFileToAnotherInOneStep) {
  UnitSet set(Directory());
  set.Propose({Main(kMain), {"a.yaml", Ping("x", "x.example")}, {"b.yaml", Ping("b", "b.example")}});
  set.Commit();
  const Proposal proposal =
      set.Propose({Main(kMain), {"a.yaml", Ping("a", "a.example")}, {"b.yaml", Ping("x", "x.example")}});
  EXPECT_FALSE(proposal.HasErrors());
  EXPECT_EQ(RouteNames(proposal), (Names{"a", "x"}));
}

TEST(UnitSet, RefusesTheSameMatchesInAnotherFile) {
  UnitSet set(Directory());
  set.Propose({Main(kMain), {"b.yaml", Ping("b", "x.example")}});
  set.Commit();
  const Proposal proposal =
      set.Propose({Main(kMain), {"a.yaml", Ping("a", "X.example")}, {"b.yaml", Ping("b", "x.example")}});
  EXPECT_EQ(RouteNames(proposal), Names{"b"});
  EXPECT_TRUE(Has(proposal, Code::kSameMatches));
}

TEST(UnitSet, DoesNotLetABadFileWinAName) {
  UnitSet set(Directory());
  const Proposal proposal =
      set.Propose({Main(kMain), {"a.yaml", To("same", "nobody")}, {"b.yaml", Ping("same", "b.example")}});
  EXPECT_EQ(StatusOf(proposal, "a.yaml"), UnitStatus::kLeftOut);
  EXPECT_EQ(StatusOf(proposal, "b.yaml"), UnitStatus::kAccepted);
  EXPECT_EQ(RouteNames(proposal), Names{"same"});
}

TEST(UnitSet, ResolvesReferencesAcrossFiles) {
  UnitSet set(Directory());
  const Proposal proposal = set.Propose({Main(kMain),
                                         {"a.yaml", To("a", "shop")},
                                         {"z.yaml", "upstreams: {shop: {address: shop:80}}"},
                                         {"c.yaml", To("c", "shpo")}});
  EXPECT_EQ(RouteNames(proposal), Names{"a"});
  EXPECT_EQ(StatusOf(proposal, "c.yaml"), UnitStatus::kLeftOut);
  EXPECT_TRUE(Has(proposal, Code::kUnknownUpstream));
}

TEST(UnitSet, AFileThatLetsGoOfAnUpstreamStopsNobodyElsesRoutes) {
  UnitSet set(Directory());
  const std::string routes = To("a", "shop");
  set.Propose({Main(kMain), {"a.yaml", routes}, {"z.yaml", "upstreams: {shop: {address: shop:80}}"}});
  set.Commit();
  for (int i = 0; i < 2; ++i) {
    const Proposal gone = set.Propose({Main(kMain), {"a.yaml", routes}});
    EXPECT_EQ(RouteNames(gone), Names{"a"});
    EXPECT_EQ(StatusOf(gone, "a.yaml"), UnitStatus::kKept);
    ASSERT_EQ(gone.model->upstreams.size(), 1U);
    EXPECT_EQ(gone.model->upstreams[0]->address->value.name, "shop");
    set.Commit();
  }
  const Proposal back =
      set.Propose({Main(kMain), {"a.yaml", routes}, {"y.yaml", "upstreams: {shop: {address: new:80}}"}});
  EXPECT_EQ(StatusOf(back, "a.yaml"), UnitStatus::kAccepted);
  EXPECT_EQ(back.model->upstreams[0]->address->value.name, "new");
}

TEST(UnitSet, AListenerThatGoesTakesItsRoutesAlongAndNoOthers) {
  UnitSet set(Directory());
  const std::string two = "listeners: [{name: a, address: '0.0.0.0:1'}, {name: b, address: '0.0.0.0:2'}]";
  const std::string routes =
      "routes: [{name: both, listeners: [a, b], hostnames: [x.example], respond: {status: 200}}, "
      "{name: only, listeners: [b], hostnames: [y.example], respond: {status: 200}}]";
  set.Propose({Main(two), {"t.yaml", routes}});
  set.Commit();
  const Proposal proposal = set.Propose({Main("listeners: [{name: a, address: '0.0.0.0:1'}]"), {"t.yaml", routes}});
  EXPECT_EQ(RouteNames(proposal), Names{"both"});
  EXPECT_EQ(proposal.model->routes[0]->listeners.size(), 1U);
  EXPECT_TRUE(Has(proposal, Code::kUnknownListener));
}

TEST(UnitSet, AFileThatIsGoneTakesItsRoutesAlong) {
  UnitSet set(Directory());
  set.Propose({Main(kMain), {"a.yaml", Ping("a", "a.example")}});
  set.Commit();
  EXPECT_EQ(RouteNames(set.Propose({Main(kMain)})), Names{});
  set.Commit();
  EXPECT_FALSE(set.Propose({Main(kMain), {"b.yaml", Ping("a", "a.example")}}).HasErrors());
}

TEST(UnitSet, AMainFileThatVanishesStaysInForce) {
  UnitSet set(Directory());
  set.Propose({Main("listeners: [{name: a, address: '0.0.0.0:81'}]")});
  set.Commit();
  const Proposal proposal = set.Propose({});
  ASSERT_NE(proposal.model, nullptr);
  EXPECT_EQ(proposal.model->listeners[0].address.value.port, 81);
  EXPECT_TRUE(Has(proposal, Code::kMainFileMissing));
}

TEST(UnitSet, RejectRefusesTheFileOfAProblemFoundLater) {
  UnitSet set(Directory());
  set.Propose({Main(kMain), {"a.yaml", Ping("a", "a.example")}});
  set.Commit();
  Proposal proposal =
      set.Propose({Main(kMain), {"a.yaml", Ping("a2", "a.example")}, {"b.yaml", Ping("b", "b.example")}});
  DiagnosticList problems;
  for (const auto& route : proposal.model->routes) {
    if (route->name.value == "a2") problems.Error(Code::kBadRegex, route->name.at, "not today");
  }
  proposal = set.Reject(problems);
  EXPECT_EQ(RouteNames(proposal), (Names{"a", "b"}));
  EXPECT_EQ(StatusOf(proposal, "a.yaml"), UnitStatus::kKept);
  proposal = set.Propose({Main(kMain), {"a.yaml", Ping("a2", "a.example")}});
  EXPECT_EQ(StatusOf(proposal, "a.yaml"), UnitStatus::kAccepted);
}

TEST(UnitSet, RunsTheExtraCheckOncePerContentAndRefusesThatFileAlone) {
  int calls = 0;
  UnitSet set(Directory(), [&](const Model& unit, DiagnosticList& diagnostics) {
    ++calls;
    for (const auto& route : unit.routes) {
      if (route->name.value == "bad") diagnostics.Error(Code::kBadRegex, route->name.at, "no regex");
    }
  });
  const std::vector<Unit> files = {
      Main(kMain), {"a.yaml", Ping("bad", "a.example")}, {"b.yaml", Ping("b", "b.example")}};
  EXPECT_EQ(RouteNames(set.Propose(files)), Names{"b"});
  set.Commit();
  set.Propose(files);
  EXPECT_EQ(calls, 3);
}

TEST(UnitSet, SharesWhatDidNotChange) {
  UnitSet set(Directory());
  const Proposal before =
      set.Propose({Main(kMain), {"a.yaml", Ping("a", "a.example")}, {"b.yaml", Ping("b", "b.example")}});
  set.Commit();
  const Proposal after =
      set.Propose({Main(kMain), {"a.yaml", Ping("a", "a.example")}, {"b.yaml", Ping("b", "c.example")}});
  EXPECT_EQ(before.model->routes[0], after.model->routes[0]);
  EXPECT_NE(before.model->routes[1], after.model->routes[1]);
}

TEST(UnitSet, ASingleFileMayNameFilesAnywhere) {
  const LoadedFile loaded = LoadFile("f.yaml", "admin: {address: '0.0.0.0:1', tokenFile: ../../run/token}", "/etc/hg");
  ASSERT_NE(loaded.model, nullptr);
  EXPECT_EQ(loaded.model->admin->token_file->value.resolved, "/run/token");
}

TEST(UnitSet, AFilesNumberGoesToAnotherWhenTheFileIsGone) {
  UnitSet set({.main_name = "headgate.yaml"});
  Proposal proposal;
  for (int i = 0; i < 100; ++i) {
    proposal = set.Propose({Main(kMain), {"team-" + std::to_string(i) + ".yaml", "upstreams: {u: {x: y}}"}});
    ASSERT_NE(proposal.model, nullptr);
    const Position& at = proposal.units[1].diagnostics.items().at(0).at;
    EXPECT_EQ(proposal.offered.NameOf(at.file), "team-" + std::to_string(i) + ".yaml");
    set.Commit();
  }
  EXPECT_LE(proposal.model->files.size(), 3U);
}

TEST(UnitSet, AnUpstreamThatOutlivesItsFileKeepsItsPlace) {
  UnitSet set({.main_name = "headgate.yaml"});
  const Unit main = Main(kMain);
  const Unit routes{"routes.yaml", "routes: [{name: r, backends: [{upstream: u}]}]"};
  ASSERT_NE(set.Propose({main, routes, {"upstreams.yaml", "upstreams: {u: {endpoints: [\"127.0.0.1:1\"]}}"}}).model,
            nullptr);
  set.Commit();
  set.Propose({main, routes});  // refused for its unknown upstream, and so kept with the one that it knew
  set.Commit();
  const Proposal proposal = set.Propose({main, routes, {"other.yaml", ""}});
  ASSERT_EQ(proposal.model->upstreams.size(), 1U);
  EXPECT_EQ(proposal.model->files[proposal.model->upstreams[0]->at.file], "upstreams.yaml");
}

TEST(UnitSet, WithoutAListenerThereIsNothingToStartWithAndWhatIsInForceStays) {
  for (const std::string text : {"", "\n\n", "# a comment\n", "~", "{}", "routes: []", "via: true"}) {
    SCOPED_TRACE(text);
    UnitSet fresh(Directory());
    const Proposal first = fresh.Propose({Main(text), {"a.yaml", Ping("a", "a.example")}});
    EXPECT_EQ(first.model, nullptr);
    EXPECT_TRUE(Has(first, Code::kNoListener));
    UnitSet set(Directory());
    set.Propose({Main(kMain), {"a.yaml", Ping("a", "a.example")}});
    set.Commit();
    const Proposal emptied = set.Propose({Main(text), {"a.yaml", Ping("a", "a.example")}});
    EXPECT_TRUE(Has(emptied, Code::kNoListener));
    EXPECT_EQ(StatusOf(emptied, "headgate.yaml"), UnitStatus::kKept);
    ASSERT_NE(emptied.model, nullptr);
    EXPECT_EQ(emptied.model->listeners.size(), 1U);
  }
}

TEST(UnitSet, WhatIsWrongWithListenersIsSaidOnce) {
  for (const std::string text : {"listeners: []", "listeners:", "listeners: web", "- a", "listeners: ["}) {
    UnitSet set(Directory());
    EXPECT_FALSE(Has(set.Propose({Main(text)}), Code::kNoListener)) << text;
  }
}

TEST(UnitSet, NothingStartsWithoutTheMainFile) {
  UnitSet set(Directory());
  const Proposal proposal = set.Propose({{"a.yaml", Ping("a", "a.example")}});
  EXPECT_EQ(proposal.model, nullptr);
  EXPECT_TRUE(Has(proposal, Code::kMainFileMissing));
  EXPECT_FALSE(Has(proposal, Code::kNoListener)) << "that it is missing says it";
}

TEST(UnitSet, ADirectoryWhoseRoutesAreGoneIsAccepted) {
  UnitSet set(Directory());
  set.Propose({Main(kMain), {"a.yaml", Ping("a", "a.example")}});
  set.Commit();
  const Proposal proposal = set.Propose({Main(kMain), {"a.yaml", ""}});
  EXPECT_FALSE(proposal.HasErrors());
  EXPECT_EQ(RouteNames(proposal), Names{});
}

TEST(UnitSet, WhatIsPassedOverIsAWarningOfTheMainFile) {
  UnitSet set(Directory());
  const Proposal proposal = set.Propose({Main(kMain)}, {"team.yml", "more/"});
  EXPECT_FALSE(proposal.HasErrors());
  ASSERT_EQ(proposal.units[0].diagnostics.items().size(), 2U);
  EXPECT_EQ(proposal.units[0].diagnostics.items()[0].code, Code::kNotRead);
  EXPECT_NE(proposal.units[0].diagnostics.items()[0].message.find("'team.yml'"), std::string::npos);
  EXPECT_NE(proposal.units[0].diagnostics.items()[0].hint.find("team.yaml"), std::string::npos);
}

}  // namespace
}  // namespace headgate::config
