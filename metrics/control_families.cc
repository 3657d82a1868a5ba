#include "metrics/control_families.h"

#include <prometheus/text_serializer.h>

#include <chrono>
#include <iterator>
#include <utility>
#include <vector>

#include "metrics/catalogue.h"
#include "metrics/process_stats.h"

namespace headgate::metrics {
namespace {

template <class Builder>
auto& Register(Builder builder, const FamilyInfo& family, prometheus::Registry& registry) {
  return builder.Name(std::string(family.name)).Help(std::string(family.help)).Register(registry);
}

prometheus::Family<prometheus::Gauge>& Gauges(const FamilyInfo& family, prometheus::Registry& registry) {
  return Register(prometheus::BuildGauge(), family, registry);
}

prometheus::Counter& Reloads(prometheus::Registry& registry, bool success) {
  const std::string result(kReloadResultWords[success ? 0 : 1]);
  return Register(prometheus::BuildCounter(), Info("headgate_config_reloads_total"), registry)
      .Add({{"result", result}});
}

}  // namespace

ControlFamilies::ControlFamilies(const base::Clock& clock)
    : clock_(clock),
      build_info_(Gauges(Info("headgate_build_info"), registry_)),
      config_info_(Gauges(Info("headgate_config_info"), registry_)),
      last_successful_(Gauges(Info("headgate_config_last_reload_successful"), registry_).Add({})),
      last_timestamp_(Gauges(Info("headgate_config_last_reload_success_timestamp_seconds"), registry_).Add({})),
      successes_(Reloads(registry_, true)),
      failures_(Reloads(registry_, false)) {}

void ControlFamilies::SetInfo(GaugeFamily& family, prometheus::Gauge*& current, const prometheus::Labels& labels) {
  prometheus::Gauge& next = family.Add(labels);
  next.Set(1);
  if (current != nullptr && current != &next) family.Remove(current);
  current = &next;
}

void ControlFamilies::SetBuildInfo(std::string_view version, std::string_view revision, std::string_view compiler) {
  const std::lock_guard lock(mutex_);
  SetInfo(
      build_info_, build_,
      {{"version", std::string(version)}, {"revision", std::string(revision)}, {"compiler", std::string(compiler)}});
}

void ControlFamilies::SetConfigInfo(std::string_view hash) {
  const std::lock_guard lock(mutex_);
  SetInfo(config_info_, config_, {{"hash", std::string(hash)}});
}

void ControlFamilies::CountReload(bool success) {
  const std::lock_guard lock(mutex_);
  (success ? successes_ : failures_).Increment();
  last_successful_.Set(success ? 1 : 0);
  if (success) last_timestamp_.Set(std::chrono::duration<double>(clock_.WallNow().time_since_epoch()).count());
}

std::string ControlFamilies::Serialize() const {
  std::vector<prometheus::MetricFamily> families;
  {
    const std::lock_guard lock(mutex_);
    families = registry_.Collect();
  }
  auto process = CollectProcessStats();
  families.insert(families.end(), std::make_move_iterator(process.begin()), std::make_move_iterator(process.end()));
  return prometheus::TextSerializer().prometheus::Serializer::Serialize(families);
}

}  // namespace headgate::metrics
