#include "config/unit.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "config/fields/decoder.h"
#include "config/text.h"
#include "config/validate.h"
#include "config/yaml/yaml_reader.h"

namespace headgate::config {
namespace {

// A file besides the main one holds these keys only. The others are reported and left out of the tree's decoding.
void RefuseMainKeys(const YamlTree& tree, uint32_t file, DiagnosticList& diagnostics) {
  if (tree.root().kind != NodeKind::kMapping) return;
  tree.ForEachPair(tree.root(), [&](const Node& key, const Node& /*value*/) {
    if (key.kind != NodeKind::kScalar || key.text == "upstreams" || key.text == "routes") return;
    for (const Field& field : RootBlock().fields) {
      if (field.key != key.text) continue;
      diagnostics.Error(
          Code::kMainFileOnly, PositionOf(key, file),
          "key " + Quoted(key.text) + " belongs in the main file: this one may hold upstreams and routes");
    }
  });
}

// An emptied file (a truncated write, a bad template) must not close every listener. What is not YAML, and a list of
// listeners that is wrong, is reported already.
void RequireListener(const YamlTree& tree, uint32_t file, DiagnosticList& diagnostics) {
  if (tree.empty() && diagnostics.HasErrors()) return;
  bool written = false;
  if (!tree.empty() && tree.root().kind != NodeKind::kNull) {
    if (tree.root().kind != NodeKind::kMapping) return;
    tree.ForEachPair(tree.root(),
                     [&](const Node& key, const Node& /*value*/) { written = written || key.text == "listeners"; });
  }
  if (written) return;
  diagnostics.Error(Code::kNoListener, {file, 0, 0, 0}, "there is no listener: nothing would be served",
                    "write listeners: [{name: web, address: \"0.0.0.0:8080\"}]");
}

// Routes that could not be read as they were meant: a hostname that was refused must not make its route meet others.
std::unordered_set<const Route*> UnsoundRoutes(const Model& unit, const DiagnosticList& diagnostics) {
  std::vector<uint32_t> lines;
  for (const Diagnostic& diagnostic : diagnostics.items()) {
    if (diagnostic.severity == Severity::kError) lines.push_back(diagnostic.at.line);
  }
  std::sort(lines.begin(), lines.end());
  std::unordered_set<const Route*> unsound;
  for (size_t i = 0; i < unit.routes.size() && !lines.empty(); ++i) {
    const bool last = i + 1 == unit.routes.size();
    const auto error = std::lower_bound(lines.begin(), lines.end(), unit.routes[i]->at.line);
    if (error != lines.end() && (last || *error <= unit.routes[i + 1]->at.line)) unsound.insert(unit.routes[i].get());
  }
  return unsound;
}

// Two routes of one file that meet.
void CheckClaims(const UnitContent& content, DiagnosticList& diagnostics) {
  const std::unordered_set<const Route*> unsound = UnsoundRoutes(content.model, diagnostics);
  std::unordered_multimap<MatchKey, const Route*, MatchKeyHash> seen;
  seen.reserve(content.claims.size());
  std::unordered_set<const Route*> reported;
  for (const MatchClaim& claim : content.claims) {
    if (unsound.contains(claim.route)) continue;
    const auto [begin, end] = seen.equal_range(claim.key);
    size_t compared = 0;
    for (auto it = begin; it != end && compared < kComparedMax; ++it, ++compared) {
      if (it->second == claim.route || !ShareListener(*it->second, *claim.route)) continue;
      if (!reported.insert(claim.route).second) break;
      diagnostics.Error(Code::kSameMatches, claim.route->name.at,
                        "routes " + Quoted(it->second->name.value) + " and " + Quoted(claim.route->name.value) +
                            " have the same listener, hostname and matches",
                        Quoted(it->second->name.value) + " is at", it->second->name.at);
      break;
    }
    seen.emplace(claim.key, claim.route);
  }
}

void CollectPaths(UnitContent& content) {
  const auto add = [&](const Optional<FilePath>& path) {
    if (path) content.paths.push_back(&*path);
  };
  for (const Listener& listener : content.model.listeners) {
    if (!listener.tls) continue;
    for (const Certificate& certificate : listener.tls->certificates) {
      content.paths.push_back(&certificate.cert_file);
      content.paths.push_back(&certificate.key_file);
    }
  }
  if (content.model.admin.HasValue()) add(content.model.admin->token_file);
  for (const auto& upstream : content.model.upstreams) {
    if (!upstream->tls) continue;
    add(upstream->tls->ca_file);
    add(upstream->tls->cert_file);
    add(upstream->tls->key_file);
  }
}

void DecodeTree(const YamlTree& tree, uint32_t file, FileKind kind, std::string_view directory, UnitContent& content) {
  if (kind == FileKind::kOther) RefuseMainKeys(tree, file, content.diagnostics);
  Decoder decoder(tree, file, directory, content.diagnostics);
  const Node& root = tree.root();
  const bool empty = root.kind == NodeKind::kNull;
  if (empty ||
      !decoder.Expect(root, NodeKind::kMapping, "a mapping", "listeners, upstreams and routes stand at the top")) {
    return;
  }
  decoder.Block(root, RootBlock(), &content.model, {});
}

}  // namespace

std::shared_ptr<const UnitContent> DecodeUnit(const SharedText& text, uint32_t file, FileKind kind,
                                              std::string_view directory, const UnitCheck& check) {
  auto content = std::make_shared<UnitContent>();
  content->text = text;
  const YamlTree tree = ReadYaml(text.value(), file, content->diagnostics);
  if (!tree.empty()) DecodeTree(tree, file, kind, directory, *content);
  if (kind == FileKind::kMain) RequireListener(tree, file, content->diagnostics);
  ValidateUnit(content->model, content->diagnostics);
  content->claims = MatchClaims(content->model);
  CheckClaims(*content, content->diagnostics);
  CollectPaths(*content);
  if (check) check(content->model, content->diagnostics);
  return content;
}

}  // namespace headgate::config
