// Reads a text exposition back: types, helps, and each series' value.
// A value.
// One thread.
#pragma once

#include <map>
#include <set>
#include <sstream>
#include <string>

namespace headgate::metrics {

struct Exposition {
  std::map<std::string, std::string> types;
  std::map<std::string, std::string> helps;
  // Key: name{labels}, labels sorted by name.
  std::map<std::string, double> values;
  std::set<std::string> repeated;  // series or headers that came twice: must stay empty

  double At(const std::string& series) const {
    const auto found = values.find(series);
    return found == values.end() ? -1e300 : found->second;
  }
  bool Has(const std::string& series) const { return values.count(series) != 0; }
  size_t CountPrefix(const std::string& prefix) const {
    size_t count = 0;
    for (const auto& [series, value] : values) count += series.rfind(prefix, 0) == 0 ? 1 : 0;
    return count;
  }
};

inline std::string SortedLabels(const std::string& labels) {
  std::set<std::string> sorted;
  std::string one;
  bool quoted = false;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == '\\' && quoted) {
      one += labels[i++];
    } else if (labels[i] == '"') {
      quoted = !quoted;
    } else if (labels[i] == ',' && !quoted) {
      sorted.insert(one);
      one.clear();
      continue;
    }
    one += labels[i];
  }
  if (!one.empty()) sorted.insert(one);
  std::string text;
  for (const std::string& label : sorted) text += (text.empty() ? "" : ",") + label;
  return text;
}

inline Exposition ParseExposition(const std::string& text) {
  Exposition result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, keyword, name, rest;
    if (line.rfind("# ", 0) == 0) {
      words >> hash >> keyword >> name;
      std::getline(words >> std::ws, rest);
      auto& into = keyword == "TYPE" ? result.types : result.helps;
      if (!into.emplace(name, rest).second) result.repeated.insert(line);
      continue;
    }
    const size_t space = line.rfind(' ');
    std::string series = line.substr(0, space);
    const size_t brace = series.find('{');
    if (brace != std::string::npos) {
      const std::string labels = SortedLabels(series.substr(brace + 1, series.size() - brace - 2));
      series = series.substr(0, brace) + (labels.empty() ? "" : "{" + labels + "}");
    }
    if (!result.values.emplace(series, std::stod(line.substr(space + 1))).second) result.repeated.insert(series);
  }
  return result;
}

}  // namespace headgate::metrics
