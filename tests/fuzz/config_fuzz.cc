// The configuration reader: YAML, decoding, validation, rendering and the merging of files. Files of a directory are
// divided by lines that begin with "%%".
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "config/model.h"
#include "config/render.h"
#include "config/units.h"

namespace headgate::config {
namespace {

std::vector<Unit> Split(std::string_view text) {
  std::vector<Unit> files;
  std::string name = "headgate.yaml";
  while (files.size() < 4) {
    const size_t end = text.find("\n%%");
    files.push_back({name, std::string(text.substr(0, end)), files.empty() ? UnitKind::kMain : UnitKind::kRoutes});
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 3);
    name = std::string(1, static_cast<char>('a' + files.size())) + ".yaml";
  }
  return files;
}

void Require(bool holds) {
  if (!holds) std::abort();
}

void TryFiles(std::string_view text) {
  const std::vector<Unit> files = Split(text);
  UnitSet set({.main_name = "headgate.yaml", .directory = "/etc/headgate", .confined = true});
  const Proposal proposal = set.Propose(files);
  for (const UnitReport& report : proposal.units) {
    RenderText(report.diagnostics, proposal.offered);
    RenderJson(report.diagnostics, proposal.offered);
  }
  Require(proposal.model != nullptr || proposal.HasErrors());
  if (proposal.model == nullptr) return;
  set.Commit();
  // The same files again are the same configuration, and no file may end what is in force.
  const Proposal again = set.Propose(files);
  Require(again.model != nullptr && again.model->routes.size() == proposal.model->routes.size());
  Require(set.Propose({{"headgate.yaml", "via: maybe", UnitKind::kMain}}).model != nullptr);
}

}  // namespace
}  // namespace headgate::config

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  headgate::config::TryFiles({reinterpret_cast<const char*>(data), size});
  return 0;
}
