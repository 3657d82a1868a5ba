#include "metrics/gauge_text.h"

#include <array>
#include <charconv>

#include "metrics/text.h"

namespace headgate::metrics {

void GaugeTextBuilder::Add(std::initializer_list<std::string_view> values, double value) {
  std::string labels;
  size_t i = 0;
  for (const std::string_view one : values) {
    if (i != 0) labels.push_back(',');
    AppendLabel(labels, family_.labels[i++], one);
  }
  const auto found = samples_.find(labels);
  if (found != samples_.end()) {
    found->second = value;
  } else if (samples_.size() < series_max_) {
    samples_.emplace(std::move(labels), value);
  } else {
    ++refused_;
  }
}

std::string GaugeTextBuilder::Take() const {
  std::string text;
  if (samples_.empty()) return text;
  text.append("# HELP ").append(family_.name).append(" ").append(family_.help);
  text.append("\n# TYPE ").append(family_.name).append(" gauge\n");
  for (const auto& [labels, value] : samples_) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    text.append(family_.name).append("{").append(labels).append("} ").append(digits.data(), end).append("\n");
  }
  return text;
}

}  // namespace headgate::metrics
