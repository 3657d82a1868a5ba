// A gauge family whose values are all set at once, kept as its text.
// Owned by the function that builds it.
// One thread.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "metrics/catalogue.h"

namespace headgate::metrics {

class GaugeTextBuilder {
 public:
  GaugeTextBuilder(const FamilyInfo& family, size_t series_max) : family_(family), series_max_(series_max) {}

  // `values`: of the family's labels, in their order. The same labels again replace the value.
  void Add(std::initializer_list<std::string_view> values, double value);
  size_t refused() const noexcept { return refused_; }
  // Header and samples; empty without samples.
  std::string Take() const;

 private:
  const FamilyInfo& family_;
  const size_t series_max_;
  size_t refused_ = 0;
  std::map<std::string, double> samples_;
};

}  // namespace headgate::metrics
