#include "config/unit_content.h"

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

// Empty: any key.
std::string_view KeysOf(UnitKind kind) {
  switch (kind) {
    case UnitKind::kMain:
    case UnitKind::kFragment:
      return "";
    case UnitKind::kRoutes:
      return "upstreams and routes";
    case UnitKind::kObject:
      return "listeners, upstreams and routes";
  }
  return "";
}

bool MayHold(UnitKind kind, std::string_view key) {
  return key == "upstreams" || key == "routes" || (key == "listeners" && kind == UnitKind::kObject);
}

// Units besides the main one hold a few keys only. The others are reported.
void RefuseMainKeys(const YamlTree& tree, uint32_t file, UnitKind kind, DiagnosticList& diagnostics) {
  if (KeysOf(kind).empty() || tree.root().kind != NodeKind::kMapping) return;
  tree.ForEachPair(tree.root(), [&](const Node& key, const Node& /*value*/) {
    if (key.kind != NodeKind::kScalar || MayHold(kind, key.text)) return;
    for (const Field& field : RootBlock().fields) {
      if (field.key != key.text) continue;
      diagnostics.Error(
          Code::kMainFileOnly, PositionOf(key, file),
          "key " + Quoted(key.text) + " belongs in the main file: this one may hold " + std::string(KeysOf(kind)));
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

// Its author is not one who may read the machine's files.
void RefusePaths(const UnitContent& content, DiagnosticList& diagnostics) {
  for (const Located<FilePath>* path : content.paths) {
    diagnostics.Error(Code::kPathOutside, path->at, "an object names no file, such as " + Quoted(path->value.written));
  }
}

void DecodeTree(const YamlTree& tree, uint32_t file, UnitKind kind, std::string_view directory, UnitContent& content) {
  RefuseMainKeys(tree, file, kind, content.diagnostics);
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

std::shared_ptr<const UnitContent> DecodeUnit(const Unit& unit, uint32_t file, std::string_view directory,
                                              const UnitCheck& check) {
  auto content = std::make_shared<UnitContent>();
  content->text = unit.text;
  content->origin = unit.origin;
  const YamlTree tree = ReadYaml(unit.text.value(), file, content->diagnostics);
  if (!tree.empty()) DecodeTree(tree, file, unit.kind, directory, *content);
  if (unit.kind == UnitKind::kMain && unit.problem.empty()) RequireListener(tree, file, content->diagnostics);
  if (unit.kind == UnitKind::kObject) {
    // The process's pages are the main file's; addresses are compared with theirs where the units meet.
    content->model.admin.SetNone({});
    content->model.metrics.SetNone({});
  }
  ValidateUnit(content->model, content->diagnostics);
  content->claims = MatchClaims(content->model);
  CheckClaims(*content, content->diagnostics);
  CollectPaths(*content);
  if (unit.kind == UnitKind::kObject) RefusePaths(*content, content->diagnostics);
  if (check) check(content->model, content->diagnostics);
  return content;
}

}  // namespace headgate::config
