// The families of the control plane, kept in prometheus-cpp's own registry: build, configuration, reloads, process.
// Owned by metrics::Registry.
// Any thread but a worker's request path.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace headgate::metrics {

class ControlFamilies {
 public:
  explicit ControlFamilies(const base::Clock& clock);

  void SetBuildInfo(std::string_view version, std::string_view revision, std::string_view compiler);
  void SetConfigInfo(std::string_view hash);
  void CountReload(bool success);
  // Text exposition of all of them and of process_*.
  std::string Serialize() const;

 private:
  using GaugeFamily = prometheus::Family<prometheus::Gauge>;

  // An info metric has one series: the new one replaces the old.
  void SetInfo(GaugeFamily& family, prometheus::Gauge*& current, const prometheus::Labels& labels);

  const base::Clock& clock_;
  mutable std::mutex mutex_;
  prometheus::Registry registry_;
  GaugeFamily& build_info_;
  GaugeFamily& config_info_;
  prometheus::Gauge& last_successful_;
  prometheus::Gauge& last_timestamp_;
  prometheus::Counter& successes_;
  prometheus::Counter& failures_;
  prometheus::Gauge* build_ = nullptr;
  prometheus::Gauge* config_ = nullptr;
};

}  // namespace headgate::metrics
