#include "control/files/stamped_files.h"

#include <set>
#include <string_view>
#include <utility>

#include "control/files/file_source.h"

namespace headgate::control {

void StampedFiles::Add(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const auto [at, is_new] = stamps_.try_emplace(path);
    if (is_new) at->second = StampOf(path);
  }
}

void StampedFiles::KeepOnly(const std::vector<std::string>& paths) {
  const std::set<std::string_view> kept(paths.begin(), paths.end());
  std::erase_if(stamps_, [&](const auto& entry) { return !kept.contains(entry.first); });
}

bool StampedFiles::Moved() {
  bool moved = false;
  for (auto& [path, stamp] : stamps_) {
    std::string fresh = StampOf(path);
    moved = moved || fresh != stamp;
    stamp = std::move(fresh);
  }
  return moved;
}

std::vector<std::string> StampedFiles::paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, stamp] : stamps_) paths.push_back(path);
  return paths;
}

}  // namespace headgate::control
