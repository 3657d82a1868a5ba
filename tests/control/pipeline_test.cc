#include "control/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "config/model.h"
#include "control/files/file_source.h"
#include "proxy/net/listen_socket.h"
#include "tests/control/temporary_directory.h"

namespace headgate::control {
namespace {

using ::testing::HasSubstr;

constexpr char kListener[] = "listeners: [{name: web, address: \"127.0.0.1:1\"}]\n";

std::string Config(const std::string& port, const std::string& route) {
  return "listeners: [{name: web, address: \"127.0.0.1:" + port + "\"}]\nroutes: [{name: " + route +
         ", respond: {status: 200}}]\n";
}

std::string FreePort() {
  auto sockets = proxy::net::ListenSocket::Open({{base::IpAddress::V4(0x7f000001), 0}}, 1);
  return std::to_string(sockets->front()->address().port);
}

struct PipelineTest : ::testing::Test {
  void Open(const std::string& path) {
    PipelineOptions options;
    options.registry = &registry;
    options.tickets = &tickets;
    options.clock = &clock;
    options.state = &state;
    options.check = [](const config::Model& model, config::DiagnosticList& diagnostics) {
      if (!model.access_log || !model.access_log->file) return;
      diagnostics.Error(config::Code::kCertificateMissing, model.access_log->file->at, "no log");
    };
    options.published = [this](const proxy::Snapshot& now, const proxy::Snapshot*, std::vector<std::string>& warnings) {
      had_no_route = had_no_route || now.compiled->routes.empty();
      if (now.compiled->workers == 7U) warnings.emplace_back("not without a restart");
    };
    pipeline = std::make_unique<Pipeline>(*FileSource::Open(path), std::move(options));
  }
  void StartWith(const std::string& text) {
    directory.Write("headgate.yaml", text);
    Open(directory.File("headgate.yaml"));
    std::string problems;
    ASSERT_NE(pipeline->LoadFirst(problems), nullptr) << problems;
    ASSERT_TRUE(pipeline->ApplyFirst(server).ok());
    pipeline->Start();
  }
  std::shared_ptr<const ReloadReport> Reload() {
    std::promise<std::shared_ptr<const ReloadReport>> done;
    pipeline->Reload(Trigger::kRequest,
                     [&](std::shared_ptr<const ReloadReport> report) { done.set_value(std::move(report)); });
    return done.get_future().get();
  }
  std::string RouteInForce() const { return state.in_force()->snapshot->compiled->routes.front()->name; }

  TemporaryDirectory directory;
  base::SystemClock clock;
  metrics::Registry registry{clock};
  proxy::net::TicketKeys tickets;
  State state;
  proxy::WorkerSet server{{.workers = 1, .clock = &clock, .registry = &registry}};
  std::unique_ptr<Pipeline> pipeline;
  const std::string port = FreePort();
  bool had_no_route = false;  // read once the pipeline has stopped
};

TEST_F(PipelineTest, ABadFirstConfigurationIsNotStartedWithAndSaysWhy) {
  directory.Write("headgate.yaml", std::string(kListener) + "routez: []");
  Open(directory.File("headgate.yaml"));
  std::string problems;
  EXPECT_EQ(pipeline->LoadFirst(problems), nullptr);
  EXPECT_THAT(problems, HasSubstr("HG010"));
}

TEST_F(PipelineTest, AMissingTokenIsNotStartedWithAndALaterOneIsRefusedWithItsPlace) {
  const std::string admin = "admin: {address: \"127.0.0.1:1\", tokenFile: token}\n";
  directory.Write("headgate.yaml", Config(port, "one") + admin);
  Open(directory.File("headgate.yaml"));
  std::string problems;
  EXPECT_EQ(pipeline->LoadFirst(problems), nullptr);
  EXPECT_THAT(problems, HasSubstr("headgate.yaml:3:44: error HG060"));
  directory.Write("token", "secret");
  StartWith(Config(port, "one") + admin);
  directory.Write("token", "");
  directory.Write("headgate.yaml", Config(port, "two") + admin);
  const auto report = Reload();
  EXPECT_THAT(report->problems, HasSubstr("there is no token in it"));
  EXPECT_FALSE(report->in_part);
  EXPECT_EQ(RouteInForce(), "one");
}

TEST_F(PipelineTest, WhatTheProcessCannotTakeLeavesTheFileOut) {
  StartWith(Config(port, "one"));
  directory.Write("headgate.yaml", Config(port, "two") + "accessLog: {to: /no/such/file}\n");
  const auto report = Reload();
  EXPECT_EQ(report->outcome, ReloadOutcome::kConfiguration);
  EXPECT_THAT(report->problems, HasSubstr("headgate.yaml:3:17: error HG060: no log"));
  EXPECT_EQ(RouteInForce(), "one");
  EXPECT_EQ(report->generation, 1U);
}

TEST_F(PipelineTest, AReloadIsInForceWhenItIsAnswered) {
  StartWith(Config(port, "one"));
  EXPECT_EQ(RouteInForce(), "one");
  directory.Write("headgate.yaml", Config(port, "two"));
  const auto report = Reload();
  EXPECT_TRUE(report->ok()) << report->problems;
  EXPECT_EQ(report->generation, 2U);
  EXPECT_EQ(RouteInForce(), "two");
}

TEST_F(PipelineTest, WhatCannotChangeWithoutARestartIsInTheReport) {
  StartWith(Config(port, "one"));
  directory.Write("headgate.yaml", Config(port, "two") + "workers: 7\n");
  const auto report = Reload();
  EXPECT_TRUE(report->ok());
  EXPECT_EQ(report->problems, "warning: not without a restart\n");
}

TEST_F(PipelineTest, ABadFileKeepsHashAndGenerationAndTheNextGoodOneIsTaken) {
  StartWith(Config(port, "one"));
  const std::string hash = state.in_force()->snapshot->hash;
  directory.Write("headgate.yaml", Config(port, "two") + "routez: []");
  const auto report = Reload();
  EXPECT_EQ(report->outcome, ReloadOutcome::kConfiguration);
  EXPECT_THAT(report->problems, HasSubstr("HG010"));
  EXPECT_EQ(report->hash, hash);
  EXPECT_EQ(report->generation, 1U);
  EXPECT_EQ(RouteInForce(), "one");
  directory.Write("headgate.yaml", Config(port, "three"));
  EXPECT_TRUE(Reload()->ok());
}

TEST_F(PipelineTest, AnAddressThatIsTakenIsRefusedAndNothingChanges) {
  StartWith(Config(port, "one"));
  auto taken = proxy::net::ListenSocket::Open({{base::IpAddress::V4(0x7f000001), 0}}, 1);
  directory.Write("headgate.yaml", Config(std::to_string(taken->front()->address().port), "two"));
  EXPECT_EQ(Reload()->outcome, ReloadOutcome::kAddress);
  EXPECT_EQ(RouteInForce(), "one");
}

TEST_F(PipelineTest, AReloadWhileDrainingIsRefused) {
  StartWith(Config(port, "one"));
  pipeline->BeginDrain();
  directory.Write("headgate.yaml", Config(port, "two"));
  const auto report = Reload();
  EXPECT_EQ(report->outcome, ReloadOutcome::kRefused);
  EXPECT_THAT(report->problems, HasSubstr("draining"));
  EXPECT_EQ(report->hash, state.in_force()->snapshot->hash);
  EXPECT_EQ(report->generation, 1U);
  EXPECT_GE(report->at, state.in_force()->since);
  EXPECT_EQ(RouteInForce(), "one");
}

TEST_F(PipelineTest, WhoAsksAfterTheEndIsAnsweredToo) {
  StartWith(Config(port, "one"));
  pipeline->Stop();
  const auto report = Reload();
  EXPECT_EQ(report->outcome, ReloadOutcome::kRefused);
  EXPECT_EQ(report->generation, 1U);
}

TEST_F(PipelineTest, AFileThatIsBeingRewrittenInPlaceIsNotTakenHalf) {
  StartWith(Config(port, "one"));
  // Emptied an instant ago, as an editor does that truncates before it writes: a watch must wait for what comes.
  directory.Write("headgate.yaml", "");
  pipeline->Reload(Trigger::kWatch);
  directory.Write("headgate.yaml", Config(port, "two"));
  EXPECT_TRUE(Reload()->ok());
  EXPECT_EQ(RouteInForce(), "two");
  pipeline->Stop();
  EXPECT_FALSE(had_no_route);
}

TEST_F(PipelineTest, OfADirectoryTheBadFileIsLeftAtItsLastGoodContent) {
  directory.Write("a.yaml", "routes: [{name: a, respond: {status: 200}}]");
  directory.Write("headgate.yaml", "listeners: [{name: web, address: \"127.0.0.1:" + port + "\"}]");
  Open(directory.path());
  std::string problems;
  ASSERT_NE(pipeline->LoadFirst(problems), nullptr) << problems;
  ASSERT_TRUE(pipeline->ApplyFirst(server).ok());
  pipeline->Start();
  directory.Write("a.yaml", "routes: [");
  directory.Write("b.yaml", "routes: [{name: b, matches: [{path: {exact: /b}}], respond: {status: 200}}]");
  const auto report = Reload();
  EXPECT_EQ(report->outcome, ReloadOutcome::kConfiguration);
  EXPECT_TRUE(report->in_part);
  ASSERT_EQ(report->units.size(), 3U);
  EXPECT_EQ(report->units[1].status, config::UnitStatus::kKept);
  EXPECT_EQ(report->units[2].status, config::UnitStatus::kAccepted);
  EXPECT_EQ(state.in_force()->snapshot->compiled->routes.size(), 2U);
}

}  // namespace
}  // namespace headgate::control
