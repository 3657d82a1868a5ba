#include "config/unit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "config/model.h"
#include "config/units.h"
#include "tests/config/main_unit.h"

namespace headgate::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const std::string kWeb = "listeners: [{name: web, address: '0.0.0.0:8080'}]\n";

UnitSetOptions Folder() { return {.main_name = "headgate.yaml", .directory = "/etc/headgate", .confined = true}; }

std::string Answer(const std::string& name, const std::string& host, int status = 200) {
  return "routes: [{name: " + name + ", hostnames: [" + host + "], respond: {status: " + std::to_string(status) +
         "}}]\n";
}

Unit Object(const std::string& id, uint64_t order, std::string text) {
  return {id, std::move(text), UnitKind::kObject, order};
}

std::vector<std::string> Served(const Proposal& proposal) {
  if (proposal.model == nullptr) return {"no model"};
  std::vector<std::string> names;
  for (const auto& route : proposal.model->routes) {
    names.push_back(route->name.value + "@" + (route->hostnames.empty() ? "" : route->hostnames[0].value));
  }
  return names;
}

std::vector<std::string> Listeners(const Proposal& proposal) {
  std::vector<std::string> names;
  for (const Listener& listener : proposal.model->listeners) names.push_back(listener.name.value);
  return names;
}

const UnitReport& ReportOf(const Proposal& proposal, const std::string& id) {
  return *std::find_if(proposal.units.begin(), proposal.units.end(),
                       [&](const UnitReport& report) { return report.id == id; });
}

std::string Said(const Proposal& proposal, const std::string& id) {
  return RenderText(ReportOf(proposal, id).diagnostics, proposal.offered);
}

TEST(Objects, HoldListenersUpstreamsAndRoutesAndNoOtherKey) {
  UnitSet set(Folder());
  const Proposal proposal =
      set.Propose({Main(kWeb),
                   Object("edge", 1,
                          "listeners: [{name: edge, address: '0.0.0.0:8081'}]\nupstreams: {u: {endpoints: "
                          "['127.0.0.1:1']}}\nroutes: [{name: r, listeners: [edge, web], backends: [{upstream: u}]}]"),
                   Object("bad", 2, "via: true\n")});
  EXPECT_THAT(Listeners(proposal), ElementsAre("web", "edge"));
  EXPECT_THAT(Served(proposal), ElementsAre("r@"));
  EXPECT_EQ(ReportOf(proposal, "edge").status, UnitStatus::kAccepted) << Said(proposal, "edge");
  EXPECT_THAT(Said(proposal, "bad"), HasSubstr("bad:1:1: error HG017: key 'via' belongs in the main file: this one may "
                                               "hold listeners, upstreams and routes"));
}

TEST(Objects, NameNoFile) {
  UnitSet set({.main_name = "headgate.yaml"});
  const Proposal proposal =
      set.Propose({Main(kWeb), Object("o", 1, "upstreams: {u: {address: 'a:1', tls: {caFile: /etc/shadow}}}")});
  EXPECT_THAT(Said(proposal, "o"), HasSubstr("error HG035: an object names no file, such as '/etc/shadow'"));
  EXPECT_THAT(proposal.model->upstreams, IsEmpty());
}

TEST(Objects, TheOldestGetsANameWhoeverIsInForceAndTheLoserWaits) {
  UnitSet set(Folder());
  const Unit young = Object("a", 20, Answer("same", "young.example"));
  const Unit old = Object("b", 10, Answer("same", "old.example"));
  EXPECT_THAT(Served(set.Propose({Main(kWeb), young})), ElementsAre("same@young.example"));
  set.Commit();
  const Proposal both = set.Propose({young, Main(kWeb), old});
  EXPECT_THAT(Served(both), ElementsAre("same@old.example"));
  EXPECT_EQ(ReportOf(both, "a").status, UnitStatus::kLeftOut);
  EXPECT_THAT(Said(both, "a"), HasSubstr("error HG040: route 'same' belongs to 'b'"));
  set.Commit();
  EXPECT_THAT(Served(set.Propose({Main(kWeb), young})), ElementsAre("same@young.example"))
      << "a unit that is gone frees its names";
}

TEST(Objects, OfOneAgeTheFirstByIdGetsAMatch) {
  UnitSet set(Folder());
  const Proposal proposal =
      set.Propose({Main(kWeb), Object("b", 7, Answer("two", "x.example")), Object("a", 7, Answer("one", "x.example"))});
  EXPECT_THAT(Served(proposal), ElementsAre("one@x.example"));
  EXPECT_THAT(Said(proposal, "b"), HasSubstr("error HG024"));
}

TEST(Objects, ALoserKeepsTheContentInForceThatTakesNothingFromOthers) {
  UnitSet set(Folder());
  set.Propose({Main(kWeb), Object("a", 20, Answer("mine", "mine.example")), Object("b", 10, Answer("b", "b.example"))});
  set.Commit();
  const Proposal proposal = set.Propose(
      {Main(kWeb), Object("a", 20, Answer("b", "mine.example")), Object("b", 10, Answer("b", "b.example"))});
  EXPECT_THAT(Served(proposal), ElementsAre("b@b.example", "mine@mine.example"));
  EXPECT_EQ(ReportOf(proposal, "a").status, UnitStatus::kKept);
}

TEST(Objects, ALoserHoldsUpNobodyElse) {
  UnitSet set(Folder());
  const std::string two =
      "routes: [{name: x, hostnames: [x.example], respond: {status: 200}}, {name: y, hostnames: "
      "[y.example], respond: {status: 200}}]";
  const Proposal proposal = set.Propose({Main(kWeb),
                                         {"a.yaml", Answer("x", "file.example")},
                                         Object("first", 1, two),
                                         Object("second", 2, Answer("y", "second.example"))});
  EXPECT_THAT(Served(proposal), ElementsAre("x@file.example", "y@second.example"));
}

TEST(Objects, AFileGoesBeforeEveryObjectAndKeepsItsOwnRule) {
  UnitSet set(Folder());
  const Unit object = Object("o", 1, Answer("same", "object.example"));
  const Unit file{"b.yaml", Answer("same", "b.example")};
  EXPECT_THAT(Served(set.Propose({Main(kWeb), object})), ElementsAre("same@object.example"));
  set.Commit();
  const Proposal taken = set.Propose({Main(kWeb), object, file});
  EXPECT_THAT(Served(taken), ElementsAre("same@b.example"));
  EXPECT_THAT(Said(taken, "o"), HasSubstr("belongs to 'b.yaml'"));
  set.Commit();
  const Proposal third = set.Propose({Main(kWeb), object, {"a.yaml", Answer("same", "a.example")}, file});
  EXPECT_THAT(Served(third), ElementsAre("same@b.example")) << "between files the one in force keeps it";
}

TEST(Objects, TheResultDoesNotDependOnTheOrderOfArrival) {
  std::vector<Unit> units = {Object("a", 3, Answer("n", "a.example")), Object("b", 1, Answer("n", "b.example")),
                             Object("c", 2, Answer("m", "b.example")), Object("d", 4, Answer("o", "a.example"))};
  const auto by_id = [](const Unit& one, const Unit& other) { return one.id < other.id; };
  do {
    UnitSet set(Folder());
    std::vector<Unit> arrived = {Main(kWeb)};
    Proposal proposal;
    for (const Unit& unit : units) {
      arrived.push_back(unit);
      proposal = set.Propose(arrived);
      set.Commit();
    }
    ASSERT_THAT(Served(proposal), ElementsAre("n@b.example", "o@a.example"));
  } while (std::next_permutation(units.begin(), units.end(), by_id));
}

TEST(Objects, AListenersNameOrAddressBelongsToOne) {
  UnitSet set(Folder());
  const auto listener = [](const std::string& name, const std::string& address) {
    return "listeners: [{name: " + name + ", address: '" + address + "'}]\n";
  };
  const Proposal proposal =
      set.Propose({Main(kWeb + "admin: none\nmetrics: {address: '0.0.0.0:9100'}\n"),
                   Object("name", 1, listener("web", "0.0.0.0:1")), Object("address", 2, listener("a", "0.0.0.0:8080")),
                   Object("page", 3, listener("p", "127.0.0.1:9100")), Object("old", 4, listener("o", "0.0.0.0:9901")),
                   Object("young", 5, listener("y", "0.0.0.0:9901"))});
  EXPECT_THAT(Listeners(proposal), ElementsAre("web", "o"));
  EXPECT_THAT(Said(proposal, "name"), HasSubstr("listener 'web' belongs to 'headgate.yaml'"));
  EXPECT_THAT(Said(proposal, "address"),
              HasSubstr("HG023: listener 'a' listens on 0.0.0.0:8080, which listener 'web'"));
  EXPECT_THAT(Said(proposal, "page"), HasSubstr("listener 'p' on 127.0.0.1:9100 and metrics on 0.0.0.0:9100 overlap"));
  EXPECT_THAT(Said(proposal, "young"), HasSubstr("which listener 'o' has"));
}

TEST(Objects, AListenerThatGoesTakesItsRoutesAlongAndNoOthers) {
  UnitSet set(Folder());
  const Unit edge = Object("edge", 1, "listeners: [{name: edge, address: '0.0.0.0:8081'}]");
  const Unit file{"a.yaml", "routes: [{name: r, listeners: [edge, web], respond: {status: 200}}]"};
  EXPECT_FALSE(set.Propose({Main(kWeb), edge, file}).HasErrors());
  set.Commit();
  const Proposal gone = set.Propose({Main(kWeb), file});
  EXPECT_THAT(Listeners(gone), ElementsAre("web"));
  ASSERT_THAT(Served(gone), ElementsAre("r@"));
  EXPECT_EQ(gone.model->routes[0]->listeners.size(), 1U);
}

TEST(Objects, ABadOneKeepsItsLastGoodContentAndItsPlaceByAge) {
  UnitSet set(Folder());
  set.Propose({Main(kWeb), Object("a", 1, Answer("n", "a.example"))});
  set.Commit();
  const Proposal bad = set.Propose({Main(kWeb), Object("a", 1, "routes: ["), Object("b", 2, Answer("n", "b.example"))});
  EXPECT_THAT(Served(bad), ElementsAre("n@a.example"));
  EXPECT_EQ(ReportOf(bad, "a").status, UnitStatus::kKept);
  EXPECT_EQ(ReportOf(bad, "b").status, UnitStatus::kLeftOut);
  set.Commit();
  const Proposal older =
      set.Propose({Main(kWeb), Object("a", 1, "routes: ["), Object("b", 0, Answer("n", "b.example"))});
  EXPECT_THAT(Served(older), ElementsAre("n@b.example"));
  EXPECT_EQ(ReportOf(older, "a").status, UnitStatus::kLeftOut);
}

TEST(Objects, WhoLostToABadOneIsJudgedAgain) {
  UnitSet set(Folder());
  const Proposal proposal =
      set.Propose({Main(kWeb), Object("a", 1, "routes: [{name: n, backends: [{upstream: nobody}]}]"),
                   Object("b", 2, Answer("n", "b.example"))});
  EXPECT_THAT(Served(proposal), ElementsAre("n@b.example"));
  EXPECT_THAT(Said(proposal, "a"), HasSubstr("HG021"));
}

TEST(Objects, OneWhoseUpstreamsOwnerLostIsLeftOut) {
  UnitSet set(Folder());
  const std::string u = "upstreams: {u: {endpoints: ['127.0.0.1:1']}";
  const Proposal proposal = set.Propose({Main(kWeb),
                                         {"a.yaml", u + "}"},
                                         Object("service", 1, u + ", v: {endpoints: ['127.0.0.1:2']}}"),
                                         Object("route", 2, "routes: [{name: r, backends: [{upstream: v}]}]")});
  EXPECT_THAT(Served(proposal), IsEmpty());
  EXPECT_THAT(Said(proposal, "route"), HasSubstr("HG021"));
}

TEST(Objects, OneThatDidNotChangeIsNotDecodedAgainAndANumberIsUsedAgain) {
  int decoded = 0;
  UnitSet set(Folder(), [&](const Model&, DiagnosticList&) { ++decoded; });
  const Unit kept = Object("kept", 1, Answer("kept", "kept.example"));
  Proposal proposal = set.Propose({Main(kWeb), kept, Object("o-0", 2, Answer("x", "x.example"))});
  set.Commit();
  const auto route = proposal.model->routes[0];
  decoded = 0;
  for (int i = 1; i <= 50; ++i) {
    // Another copy of the same text, as a translator writes it anew.
    proposal = set.Propose({Main(kWeb), Object("kept", 1, kept.text.value()),
                            Object("o-" + std::to_string(i), 2, Answer("x", "x.example"))});
    ASSERT_FALSE(proposal.HasErrors());
    set.Commit();
  }
  EXPECT_EQ(decoded, 50);
  EXPECT_EQ(proposal.model->routes[0], route);
  EXPECT_LE(proposal.model->files.size(), 4U);
}

TEST(Objects, DiagnosticsPointIntoTheOrigin) {
  UnitSet set(Folder());
  const auto origin = std::make_shared<const Origin>(
      Origin{"Ingress shop/web", {{2, "spec.rules[0]"}, {4, "spec.rules[0].host"}, {6, "spec.rules[1]"}}});
  Unit bad = Object("Ingress/shop/web", 1,
                    "upstreams: {}\nroutes:\n  - name: one\n    hostnames: ['a b']\n    respond: {status: 200}\n  - "
                    "name: two\n    respond: {status: 200}\n");
  bad.origin = origin;
  const Proposal proposal = set.Propose({Main(kWeb), bad});
  EXPECT_THAT(Said(proposal, bad.id), ::testing::StartsWith("Ingress shop/web: spec.rules[0].host: error HG028: "));
  EXPECT_EQ(Said(proposal, bad.id).find("['a b']"), std::string::npos) << "the line is not in the document";
  const std::string json = RenderJson(ReportOf(proposal, bad.id).diagnostics, proposal.offered);
  EXPECT_THAT(json, HasSubstr(R"({"file": "Ingress shop/web", "line": 0, "column": 0, "length": 0, "path": )"
                              R"("spec.rules[0].host", "severity": "error", "code": "HG028")"));
}

TEST(Objects, AConflictNamesBothOrigins) {
  UnitSet set(Folder());
  Unit first = Object("one", 1, Answer("n", "a.example"));
  first.origin = std::make_shared<const Origin>(Origin{"Ingress shop/one", {{1, "spec.rules[0]"}}});
  Unit second = Object("two", 2, Answer("n", "b.example"));
  second.origin = std::make_shared<const Origin>(Origin{"Ingress shop/two", {}});
  const Proposal proposal = set.Propose({Main(kWeb), first, second});
  EXPECT_EQ(Said(proposal, "two"),
            "Ingress shop/two: error HG040: route 'n' belongs to 'Ingress shop/one'\n"
            "      | defined at Ingress shop/one: spec.rules[0]\n");
}

TEST(Objects, APlaceHoldsUntilTheNextOne) {
  const Origin origin{"d", {{2, "two"}, {5, "five"}}};
  EXPECT_EQ(origin.PathAt(0), "");
  EXPECT_EQ(origin.PathAt(1), "");
  EXPECT_EQ(origin.PathAt(2), "two");
  EXPECT_EQ(origin.PathAt(4), "two");
  EXPECT_EQ(origin.PathAt(5), "five");
  EXPECT_EQ(origin.PathAt(500), "five");
}

}  // namespace
}  // namespace headgate::config
