// The same numbers through our shards and writer, and through prometheus-cpp's families and serialiser.
#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <random>
#include <string>
#include <vector>

#include "metrics/catalogue.h"
#include "metrics/registry.h"
#include "tests/metrics/exposition.h"

namespace headgate::metrics {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;

template <class Builder>
auto& Register(Builder builder, const FamilyInfo& family, prometheus::Registry& registry) {
  return builder.Name(std::string(family.name)).Help(std::string(family.help)).Register(registry);
}

class Oracle {
 public:
  void Request(const std::string& route, const std::string& upstream, uint8_t method, uint16_t code) {
    const std::string text = std::to_string(code);
    requests_
        .Add({{"route", route},
              {"upstream", upstream},
              {"method", std::string(kMethodLabels[method])},
              {"code", text},
              {"code_class", text.substr(0, 1) + "xx"}})
        .Increment();
  }
  void Duration(const std::string& route, const std::string& upstream, double seconds) {
    durations_.Add({{"route", route}, {"upstream", upstream}}, bounds_).Observe(seconds);
  }
  void Error(const std::string& route, ProxyErrorReason reason) {
    errors_.Add({{"route", route}, {"reason", std::string(kProxyErrorReasonWords[Index(reason)])}}).Increment();
  }
  void Bytes(const std::string& route, uint64_t bytes) {
    bytes_.Add({{"route", route}}).Increment(static_cast<double>(bytes));
  }
  void Active(const std::string& route, int delta) { active_.Add({{"route", route}}).Increment(delta); }
  std::string Text() const {
    return prometheus::TextSerializer().prometheus::Serializer::Serialize(registry_.Collect());
  }

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& requests_ =
      Register(BuildCounter(), Info("headgate_requests_total"), registry_);
  prometheus::Family<prometheus::Histogram>& durations_ =
      Register(BuildHistogram(), Info("headgate_request_duration_seconds"), registry_);
  prometheus::Family<prometheus::Counter>& errors_ =
      Register(BuildCounter(), Info("headgate_proxy_errors_total"), registry_);
  prometheus::Family<prometheus::Counter>& bytes_ =
      Register(BuildCounter(), Info("headgate_request_bytes_total"), registry_);
  prometheus::Family<prometheus::Gauge>& active_ = Register(BuildGauge(), Info("headgate_requests_active"), registry_);
  const prometheus::Histogram::BucketBoundaries bounds_ = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                           0.25,  0.5,    1,     2.5,  5,     10};
};

// Whatever the oracle has must be in ours, and ours must have nothing more of these families.
void ExpectSameContent(const Exposition& ours, const Exposition& oracle) {
  for (const auto& [series, value] : oracle.values) {
    const double mine = ours.At(series);
    EXPECT_NEAR(mine, value, std::abs(value) * 1e-9) << series;
  }
  for (const auto& [name, type] : oracle.types) {
    EXPECT_EQ(ours.types.at(name), type);
    EXPECT_EQ(ours.helps.at(name), oracle.helps.at(name));
    EXPECT_EQ(ours.CountPrefix(name), oracle.CountPrefix(name)) << name;
  }
}

TEST(RegistryOracleTest, OurWriterAndPrometheusCppSayTheSame) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const base::FakeClock clock;
  Registry registry(clock);
  Oracle oracle;
  const std::vector<Shard*> shards = {&registry.AddShard(), &registry.AddShard(), &registry.AddShard()};
  const std::vector<std::string> routes = {"shop", "a \"quoted\" \\ name", "caf\xC3\xA9", "two\nlines",
                                           std::string(kNoRoute)};
  const std::vector<std::string_view> upstreams = {"v1", "v2"};
  std::vector<std::shared_ptr<const RouteSeries>> series;
  for (const std::string& route : routes) {
    series.push_back(registry.Route(route, upstreams));
    oracle.Bytes(route, 0);
    oracle.Active(route, 0);
  }
  for (int i = 0; i < 20'000; ++i) {
    Shard& shard = *shards[random() % shards.size()];
    const size_t route = random() % routes.size();
    const size_t backend = random() % 3;
    const std::string upstream = backend == 0 ? "_none" : std::string(upstreams[backend - 1]);
    const auto method = static_cast<uint8_t>(random() % kMethodLabels.size());
    const auto code = static_cast<uint16_t>(100 + random() % 4 + random() % 5 * 100);
    const auto reason = static_cast<ProxyErrorReason>(random() % kProxyErrorReasonCount);
    const base::Duration duration(uint64_t{random()} << (random() % 6));
    shard.CountRequest(series[route]->backends[backend].requests, method, code);
    oracle.Request(routes[route], upstream, method, code);
    shard.Observe(series[route]->backends[backend].duration, duration);
    oracle.Duration(routes[route], upstream, static_cast<double>(duration.count()) / 1e9);
    shard.CountError(series[route]->errors, reason);
    oracle.Error(routes[route], reason);
    shard.Add(series[route]->request_bytes, code);
    oracle.Bytes(routes[route], code);
    const int delta = random() % 2 == 0 ? 1 : -1;
    shard.AddGauge(series[route]->requests_active, delta);
    oracle.Active(routes[route], delta);
  }
  const Exposition ours = ParseExposition(registry.Scrape(false));
  EXPECT_TRUE(ours.repeated.empty());
  ExpectSameContent(ours, ParseExposition(oracle.Text()));
}

}  // namespace
}  // namespace headgate::metrics
