// Workers count, a scraper scrapes and the control thread reloads, all at once. Worth most under the thread sanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "metrics/registry.h"
#include "tests/metrics/exposition.h"

namespace headgate::metrics {
namespace {

using Names = std::vector<std::string_view>;

TEST(RegistryConcurrencyTest, NothingIsLostWhileWorkersCountScrapersScrapeAndRoutesChurn) {
  constexpr int kWorkers = 3;
  constexpr int kRequests = 20'000;
  const base::SystemClock clock;
  // Everything that is let go of is dropped at once, so cells are recycled under the scraper's eyes.
  Registry registry(clock, {.family_series_max = 10'000, .retention = base::Duration(0)});
  const auto route = registry.Route("shop", Names{"a", "b"});
  std::atomic<bool> done = false;

  std::vector<std::thread> workers;
  for (int w = 0; w < kWorkers; ++w) {
    Shard& shard = registry.AddShard();
    workers.emplace_back([&shard, &route] {
      for (int i = 0; i < kRequests; ++i) {
        shard.AddGauge(route->requests_active, 1);
        shard.CountRequest(route->backends[1 + i % 2].requests, static_cast<uint8_t>(i % 10),
                           static_cast<uint16_t>(200 + i % 3));
        shard.Observe(route->backends[1].duration, base::Duration(i * 1000));
        shard.CountError(route->errors, static_cast<ProxyErrorReason>(i % kProxyErrorReasonCount));
        shard.AddGauge(route->requests_active, -1);
      }
    });
  }
  std::thread scraper([&] {
    double last = 0;
    while (!done) {
      const Exposition text = ParseExposition(registry.Scrape(false));
      ASSERT_TRUE(text.repeated.empty());
      double sum = 0;
      for (const auto& [series, value] : text.values) {
        if (series.rfind("headgate_requests_total{", 0) == 0 && series.find("\"shop\"") != std::string::npos)
          sum += value;
      }
      ASSERT_GE(sum, last) << "a counter never goes back";
      last = sum;
    }
  });
  // A worker of its own counts on routes that come and go; ids reach it by the thread's start, as by a mailbox.
  std::thread control([&] {
    Shard& shard = registry.AddShard();
    for (int i = 0; !done || i < 50; ++i) {
      auto churned = registry.Route("churn-" + std::to_string(i % 7), Names{"x", "y"});
      std::thread([&shard, series = std::move(churned)] {
        for (uint16_t code = 200; code < 212; ++code) shard.CountRequest(series->backends[2].requests, 0, code);
        shard.Add(series->request_bytes, 1);
      }).join();
      registry.CountReload(true);
      registry.SetConfigInfo(std::to_string(i));
      registry.SetRouteWeights(std::vector<RouteWeight>{{"shop", "a", 0.5}});
    }
  });
  for (std::thread& worker : workers) worker.join();
  done = true;
  scraper.join();
  control.join();

  const Exposition text = ParseExposition(registry.Scrape(false));
  double sum = 0;
  for (const auto& [series, value] : text.values) {
    if (series.rfind("headgate_requests_total{", 0) == 0 && series.find("\"shop\"") != std::string::npos) sum += value;
  }
  EXPECT_EQ(sum, kWorkers * kRequests);
  EXPECT_EQ(text.At(R"(headgate_request_duration_seconds_count{route="shop",upstream="a"})"), kWorkers * kRequests);
  EXPECT_EQ(text.At(R"(headgate_requests_active{route="shop"})"), 0);
  EXPECT_EQ(text.At("headgate_metrics_overflow_total"), 0);
}

}  // namespace
}  // namespace headgate::metrics
