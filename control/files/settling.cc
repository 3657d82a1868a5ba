#include "control/files/settling.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace headgate::control {

// A file that was replaced is whole; one whose bytes are being rewritten in place may not be. Its time alone does not
// tell: a kernel shows a truncated file with its old time for a while. So it must look the same at two looks.
bool Settling::IsSettled(const std::vector<config::Unit>& units, const std::vector<FileIdentity>& identities) {
  const base::WallTime now = clock_.WallNow();
  bool fresh = false;
  std::string rewritten;
  for (size_t i = 0; i < units.size(); ++i) {
    const config::Unit& file = units[i];
    if (!file.problem.empty()) continue;
    const auto known = seen_.find(file.id);
    if (known == seen_.end() || known->second.inode != identities[i].inode) continue;
    const std::string& digest = file.text.digest();
    if (digest == known->second.digest) continue;
    absl::StrAppend(&rewritten, file.id, "|", digest, "\n");
    const base::Duration rest = file.text.empty() ? base::Duration(kEmptied) : base::Duration(kSettled);
    fresh = fresh || now - identities[i].written < rest;
  }
  if (rewritten.empty()) return true;
  if (rewritten != candidate_) {
    candidate_ = std::move(rewritten);
    candidate_since_ = clock_.Now();
    return false;
  }
  return !fresh && clock_.Now() - candidate_since_ >= kSecondLook;
}

void Settling::Take(const std::vector<config::Unit>& units, const std::vector<FileIdentity>& identities) {
  seen_.clear();
  candidate_.clear();
  for (size_t i = 0; i < units.size(); ++i) seen_[units[i].id] = {identities[i].inode, units[i].text.digest()};
}

}  // namespace headgate::control
