#include "config/yaml/yaml_keys.h"

#include <array>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/text.h"

namespace headgate::config {
namespace {

// Few enough keys are compared one by one.
constexpr uint32_t kKeysComparedMax = 16;

void ReportDuplicate(const Node& key, const Node& first, uint32_t file, DiagnosticList& diagnostics) {
  diagnostics.Error(Code::kDuplicateKey, PositionOf(key, file), "key " + Quoted(key.text) + " is given twice",
                    "first given at", PositionOf(first, file));
}

// False: refused for another reason, not to be compared.
bool IsKey(Node& key, uint32_t file, DiagnosticList& diagnostics) {
  if (key.kind != NodeKind::kScalar) {
    diagnostics.Error(Code::kWrongType, PositionOf(key, file), "a key must be a word",
                      "templates are not expanded; a value with brackets or braces in it needs quotes");
    return false;
  }
  if (!key.plain || key.text != "<<") return true;
  diagnostics.Error(Code::kAlias, PositionOf(key, file), "merge keys are not supported: write the values out");
  key.reported = true;
  return false;
}

void HashKeys(YamlTree& tree, const Node& mapping, uint32_t file, DiagnosticList& diagnostics) {
  std::unordered_map<std::string_view, const Node*> seen;
  uint32_t index = mapping.first_child;
  for (uint32_t i = 0; i + 1 < mapping.children; i += 2) {
    Node& key = tree.at(index);
    index = tree.Next(key).next;
    if (!IsKey(key, file, diagnostics)) continue;
    const auto [first, added] = seen.emplace(key.text, &key);
    if (!added) ReportDuplicate(key, *first->second, file, diagnostics);
  }
}

void CompareKeys(YamlTree& tree, const Node& mapping, uint32_t file, DiagnosticList& diagnostics) {
  std::array<const Node*, kKeysComparedMax> seen{};
  size_t count = 0;
  uint32_t index = mapping.first_child;
  for (uint32_t i = 0; i + 1 < mapping.children; i += 2) {
    Node& key = tree.at(index);
    index = tree.Next(key).next;
    if (!IsKey(key, file, diagnostics)) continue;
    size_t first = 0;
    while (first < count && seen[first]->text != key.text) ++first;
    if (first < count) {
      ReportDuplicate(key, *seen[first], file, diagnostics);
    } else {
      seen[count++] = &key;
    }
  }
}

}  // namespace

void CheckKeys(YamlTree& tree, uint32_t mapping, uint32_t file, DiagnosticList& diagnostics) {
  const Node& node = tree.at(mapping);
  if (node.children / 2 <= kKeysComparedMax) {
    CompareKeys(tree, node, file, diagnostics);
  } else {
    HashKeys(tree, node, file, diagnostics);
  }
}

}  // namespace headgate::config
