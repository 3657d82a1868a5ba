// The files that the configuration names (certificates, keys, tokens), and whether one of them has changed.
// Owned by the pipeline.
// One thread: the one that compiles.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace headgate::control {

class StampedFiles {
 public:
  /// Those that are new are stamped now: before they are read.
  void Add(const std::vector<std::string>& paths);
  /// Lets go of all others.
  void KeepOnly(const std::vector<std::string>& paths);
  /// Whether one of them differs since it was added or asked about last.
  bool Moved();
  std::vector<std::string> paths() const;

 private:
  std::map<std::string, std::string> stamps_;  // by path
};

}  // namespace headgate::control
