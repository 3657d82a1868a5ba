// Files and objects at once: who holds what, what is kept, and what diagnostics, /config, /routes and explain say of
// it.
#include "control/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "config/model.h"
#include "control/admin/admin_json.h"
#include "control/explain_request.h"
#include "control/files/file_source.h"
#include "control/pipeline.h"
#include "control/reload_text.h"
#include "proxy/net/listen_socket.h"
#include "tests/control/memory_source.h"
#include "tests/control/temporary_directory.h"

namespace headgate::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

std::string RouteText(const std::string& name, const std::string& path) {
  return "routes: [{name: " + name + ", matches: [{path: {exact: " + path + "}}], respond: {status: 200}}]\n";
}

std::vector<std::string> RoutesOf(const routing::Compiled& compiled) {
  std::vector<std::string> names;
  for (const auto& route : compiled.routes) names.push_back(route->name);
  return names;
}

struct TwoSources : ::testing::Test {
  TwoSources() { directory.Write("headgate.yaml", "listeners: [{name: web, address: \"127.0.0.1:1\"}]\n"); }
  SourceList Sources() {
    SourceList sources;
    sources.push_back(*FileSource::Open(directory.path()));
    sources.push_back(std::make_unique<MemorySource>(objects));
    return sources;
  }
  Loader::Loaded Load(Loader& loader) {
    auto loaded = loader.Load(*loader.Read(), previous.get());
    if (loaded.compiled != nullptr) loader.Commit(loaded);
    previous = loaded.compiled;
    return loaded;
  }

  TemporaryDirectory directory;
  Objects objects;
  std::shared_ptr<const routing::Compiled> previous;
};

TEST_F(TwoSources, AreOneConfiguration) {
  directory.Write("a.yaml", RouteText("file", "/file"));
  objects.Put("shop", 1, "object", "/object");
  Loader loader(Sources());
  const auto loaded = Load(loader);
  EXPECT_THAT(RoutesOf(*loaded.compiled), UnorderedElementsAre("file", "object"));
  EXPECT_EQ(loaded.in_effect.size(), 3U);
}

TEST_F(TwoSources, AFileGoesBeforeAnObjectAndAnOlderObjectBeforeAYounger) {
  objects.Put("young", 5, "young", "/x");
  Loader loader(Sources());
  EXPECT_THAT(RoutesOf(*Load(loader).compiled), ElementsAre("young"));
  objects.Put("old", 2, "old", "/x");
  const auto second = Load(loader);
  EXPECT_THAT(RoutesOf(*second.compiled), ElementsAre("old"));
  EXPECT_THAT(ProblemsOf(second),
              HasSubstr("Page young: spec.name: error HG024: routes 'old' and 'young' have the same"));
  directory.Write("a.yaml", RouteText("file", "/x"));
  const auto third = Load(loader);
  EXPECT_THAT(RoutesOf(*third.compiled), ElementsAre("file"));
  EXPECT_THAT(ProblemsOf(third), HasSubstr("'file' is at a.yaml:1:17"));
}

TEST_F(TwoSources, OneThatIsRemovedFreesItsNames) {
  objects.Put("first", 1, "same", "/first");
  objects.Put("second", 2, "same", "/second");
  Loader loader(Sources());
  EXPECT_TRUE(Load(loader).HasErrors());
  objects.Remove("first");
  const auto loaded = Load(loader);
  EXPECT_FALSE(loaded.HasErrors()) << ProblemsOf(loaded);
  EXPECT_EQ(loaded.in_effect.back().id, "Page/second");
}

TEST_F(TwoSources, WhatDidNotChangeIsTheSameObject) {
  directory.Write("a.yaml", RouteText("file", "/file"));
  objects.Put("shop", 1, "object", "/object");
  int judged = 0;
  Loader loader(Sources(), [&](const config::Model&, config::DiagnosticList&) { ++judged; });
  const auto first = Load(loader);
  objects.Put("shop", 1, "object", "/object");
  objects.Put("more", 2, "more", "/more");
  judged = 0;
  const auto second = Load(loader);
  EXPECT_EQ(judged, 1);
  ASSERT_THAT(RoutesOf(*second.compiled), ElementsAre("file", "object", "more"));
  EXPECT_EQ(first.compiled->routes[0], second.compiled->routes[0]);
  EXPECT_EQ(first.compiled->routes[1], second.compiled->routes[1]);
}

TEST_F(TwoSources, ABadObjectKeepsItsLastGoodContent) {
  objects.Put("shop", 1, "good", "/good");
  Loader loader(Sources());
  Load(loader);
  objects.Put("shop", 1, "bad", "no-path");
  const auto loaded = Load(loader);
  EXPECT_THAT(RoutesOf(*loaded.compiled), ElementsAre("good"));
  EXPECT_EQ(loaded.proposal.units.back().status, config::UnitStatus::kKept);
  EXPECT_THAT(ProblemsOf(loaded), HasSubstr("Page shop: spec.path: error HG032"));
  EXPECT_THAT(loaded.in_effect.back().text.value(), HasSubstr("/good"));
}

TEST_F(TwoSources, WhatOnlyCompilingFindsPointsIntoTheOrigin) {
  objects.PutText("shop", 1,
                  "routes:\n  - name: r\n    respond: {status: 200}\n    matches: [{path: {regex: \"/(\"}}]\n");
  Loader loader(Sources());
  const auto loaded = Load(loader);
  EXPECT_THAT(ProblemsOf(loaded), HasSubstr("Page shop: spec.path: error HG050"));
  EXPECT_THAT(ProblemsAsJson(loaded), HasSubstr(R"("file": "Page shop", "line": 0)"));
}

TEST_F(TwoSources, OneThatCannotBeReadKeepsWhatItOfferedAndHoldsUpNoOther) {
  objects.Put("shop", 1, "object", "/object");
  Loader loader(Sources());
  objects.SetProblem("no connection");
  EXPECT_FALSE(loader.Read().ok()) << "it never could be read";
  objects.SetProblem("");
  Load(loader);
  objects.SetProblem("no connection");
  directory.Write("a.yaml", RouteText("file", "/file"));
  const auto content = loader.Read();
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->problem, "error: no connection\n");
  EXPECT_THAT(RoutesOf(*loader.Load(*content, nullptr).compiled), UnorderedElementsAre("file", "object"));
}

TEST(HashOfUnits, TellsAnObjectsAgeToo) {
  const config::Unit other{"b", "y"};
  EXPECT_NE(HashOf({{"a", "x", config::UnitKind::kObject, 1}, other}),
            HashOf({{"a", "x", config::UnitKind::kObject, 2}, other}));
}

struct TwoSourcesInForce : TwoSources {
  void SetUp() override {
    const auto socket = proxy::net::ListenSocket::Open({{base::IpAddress::V4(0x7f000001), 0}}, 1);
    directory.Write("headgate.yaml", "listeners: [{name: web, address: \"127.0.0.1:" +
                                         std::to_string(socket->front()->address().port) + "\"}]\n");
    directory.Write("a.yaml", RouteText("file", "/file"));
    objects.Put("shop", 1, "object", "/object");
    PipelineOptions options;
    options.registry = &registry;
    options.tickets = &tickets;
    options.clock = &clock;
    options.state = &state;
    pipeline = std::make_unique<Pipeline>(Sources(), std::move(options));
  }
  void Start() {
    std::string problems;
    ASSERT_NE(pipeline->LoadFirst(problems), nullptr) << problems;
    ASSERT_TRUE(pipeline->ApplyFirst(server).ok());
    pipeline->Start();
  }
  std::shared_ptr<const ReloadReport> Reload(Trigger why = Trigger::kRequest) {
    std::promise<std::shared_ptr<const ReloadReport>> done;
    pipeline->Reload(why, [&](std::shared_ptr<const ReloadReport> report) { done.set_value(std::move(report)); });
    return done.get_future().get();
  }
  std::vector<std::string> InForceRoutes() const { return RoutesOf(*state.in_force()->snapshot->compiled); }

  base::SystemClock clock;
  metrics::Registry registry{clock};
  proxy::net::TicketKeys tickets;
  State state;
  proxy::WorkerSet server{{.workers = 1, .clock = &clock, .registry = &registry}};
  std::unique_ptr<Pipeline> pipeline;
};

TEST_F(TwoSourcesInForce, AChangeOfAnObjectIsTakenWhenItIsTold) {
  Start();
  objects.Put("blog", 2, "blog", "/blog");
  EXPECT_TRUE(Reload(Trigger::kWatch)->ok());
  EXPECT_THAT(InForceRoutes(), ElementsAre("file", "object", "blog"));
  const uint64_t generation = state.in_force()->snapshot->generation;
  objects.Put("blog", 2, "blog", "/blog");
  Reload(Trigger::kWatch);
  EXPECT_EQ(state.in_force()->snapshot->generation, generation) << "translated to the same text: nothing happens";
}

TEST_F(TwoSourcesInForce, ASourceThatCannotBeReadIsReportedOnceAndTheOtherGoesOn) {
  Start();
  objects.SetProblem("no connection");
  const auto broken = Reload(Trigger::kWatch);
  EXPECT_EQ(broken->outcome, ReloadOutcome::kConfiguration);
  EXPECT_EQ(broken->problems, "error: no connection\n");
  EXPECT_FALSE(broken->in_part);
  EXPECT_EQ(broken->generation, 1U);
  EXPECT_EQ(Reload(Trigger::kWatch), broken) << "nothing new";
  directory.Write("b.yaml", RouteText("more", "/more"));
  const auto more = Reload(Trigger::kWatch);
  EXPECT_EQ(more->problems, "error: no connection\n");
  EXPECT_TRUE(more->in_part);
  EXPECT_THAT(InForceRoutes(), ElementsAre("file", "more", "object"));
  objects.SetProblem("");
  EXPECT_TRUE(Reload(Trigger::kWatch)->ok());
}

TEST_F(TwoSourcesInForce, WhatIsShownNamesTheOriginAndOfFilesNone) {
  objects.Put("old", 0, "older", "/a");
  Start();
  const auto in_force = state.in_force();
  EXPECT_THAT(ConfigJson(*in_force, nullptr), HasSubstr(R"("origin": "Page shop")"));
  const std::string routes = RoutesJson(*in_force);
  EXPECT_THAT(routes, HasSubstr(R"("origin": "Page shop: spec.name")"));
  size_t origins = 0;
  for (size_t at = routes.find("origin"); at != std::string::npos; at = routes.find("origin", at + 1)) ++origins;
  EXPECT_EQ(origins, 2U);

  const routing::Compiled& compiled = *in_force->snapshot->compiled;
  const RouteOrigins names = OriginsOf(compiled, in_force->places);
  const auto explain = [&](const std::string& path) {
    return *ExplainRequest(compiled, {.method = "GET", .url = path, .headers = {}, .listener = {}, .client = {}}, {});
  };
  EXPECT_THAT(ExplanationAsText(explain("/object"), names),
              HasSubstr("route     object\norigin    Page shop: spec.name\n"));
  EXPECT_THAT(ExplanationAsText(explain("/file"), names), HasSubstr("object (path exactly /object, from Page shop: "));
  EXPECT_THAT(ExplanationAsText(explain("/file"), names), Not(HasSubstr("\norigin")));
  EXPECT_THAT(ExplanationAsJson(explain("/object"), names), HasSubstr(R"("origin": "Page shop: spec.name")"));
}

}  // namespace
}  // namespace headgate::control
