// The exposition as Prometheus itself reads and lints it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "metrics/registry.h"

namespace headgate::metrics {
namespace {

using Names = std::vector<std::string_view>;

struct CommandResult {
  int status = -1;
  std::string output;
};

CommandResult RunPromtool(const std::string& exposition) {
  char path[] = "/tmp/headgate_exposition_XXXXXX";
  const int descriptor = mkstemp(path);
  EXPECT_GE(descriptor, 0);
  close(descriptor);
  std::ofstream(path) << exposition;
  CommandResult result;
  FILE* pipe = popen((std::string("promtool check metrics < ") + path + " 2>&1").c_str(), "r");
  char buffer[512];
  while (fgets(buffer, sizeof buffer, pipe) != nullptr) result.output += buffer;
  result.status = pclose(pipe);
  unlink(path);
  return result;
}

class RegistryPromtoolTest : public testing::Test {
 protected:
  void SetUp() override {
    if (system("command -v promtool > /dev/null 2>&1") != 0) GTEST_SKIP() << "promtool is not installed";
  }
};

TEST_F(RegistryPromtoolTest, PromtoolFindsNothingInAFullExposition) {
  const base::FakeClock clock;
  Registry registry(clock, {.family_series_max = 30});
  Shard& shard = registry.AddShard();
  std::vector<std::shared_ptr<const RouteSeries>> routes;
  for (int i = 0; i < 35; ++i) {
    routes.push_back(registry.Route("route \"" + std::to_string(i) + "\"\n", Names{"a", "b\\"}));
    for (const BackendSeries& backend : routes.back()->backends) {
      for (const uint16_t code : {0, 200, 404, 503, 999}) shard.CountRequest(backend.requests, code % 10, code);
      shard.Observe(backend.duration, std::chrono::milliseconds(i));
    }
    for (uint8_t status = 0; status <= kGrpcStatusOther; ++status) {
      shard.CountGrpc(routes.back()->backends[1].requests, status);
    }
    shard.CountError(routes.back()->errors, ProxyErrorReason::kConnect);
    shard.AddGauge(routes.back()->tunnels_active, -1);
  }
  const auto upstream = registry.Upstream("a");
  const auto listener = registry.Listener("web");
  shard.Observe(upstream->response, std::chrono::milliseconds(3));
  shard.Observe(registry.Process().proxy_overhead, std::chrono::microseconds(30));
  registry.SetBuildInfo({"0.1.0", "abc", "g++ 12"});
  registry.SetConfigInfo("0123abcd");
  registry.CountReload(true);
  registry.SetRouteWeights(std::vector<RouteWeight>{{"shop", "a", 0.9}, {"shop", "b", 0.1}});
  registry.SetCertificates(std::vector<CertificateInUse>{{"*.example.com", 1'800'000'000}});
  const CommandResult result = RunPromtool(registry.Scrape(false));
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(result.output, "");
}

TEST_F(RegistryPromtoolTest, PromtoolWouldSayWhenSomethingWereWrong) {
  const CommandResult result = RunPromtool("# TYPE bad counter\nbad 1\n");
  EXPECT_NE(result.status, 0);
  EXPECT_NE(result.output, "");
}

}  // namespace
}  // namespace headgate::metrics
