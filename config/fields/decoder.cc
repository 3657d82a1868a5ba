#include "config/fields/decoder.h"

#include <algorithm>
#include <tuple>

#include "config/fields/field_form.h"
#include "config/text.h"

namespace headgate::config {
namespace {

std::string_view KindName(const Node& node) {
  switch (node.kind) {
    case NodeKind::kNull:
      return "nothing";
    case NodeKind::kScalar:
      return "a value";
    case NodeKind::kSequence:
      return "a list";
    case NodeKind::kMapping:
      return "a mapping";
  }
  return "nothing";
}

}  // namespace

bool Decoder::Expect(const Node& node, NodeKind kind, std::string_view wanted, std::string hint) {
  if (node.kind == kind) return true;
  if (node.reported) return false;
  diagnostics.Error(Code::kWrongType, At(node),
                    "expected " + std::string(wanted) + ", found " + std::string(KindName(node)), std::move(hint));
  return false;
}

bool Decoder::ExpectList(const Node& node, const Field& field) {
  return node.kind == NodeKind::kSequence || Expect(node, NodeKind::kSequence, "a list", FormHint(field, node, false));
}

const Field* Decoder::FindField(const Node& key, const BlockSpec& spec, void*& block) {
  for (const BlockSpec* part = &spec; part != nullptr; part = part->more) {
    for (const Field& field : part->fields) {
      if (field.key == key.text) return &field;
    }
    if (part->more != nullptr) block = part->more_of(block);
  }
  return nullptr;
}

void Decoder::ReportUnknownKey(const Node& key, const BlockSpec& spec) {
  const bool shown = diagnostics.items().size() < DiagnosticList::kMax;
  diagnostics.Error(Code::kUnknownKey, At(key), "unknown key " + Quoted(key.text) + " in " + std::string(spec.name),
                    shown ? UnknownKeyHint(key.text, spec) : std::string());
}

bool Decoder::Block(const Node& node, const BlockSpec& spec, void* block, const Field& field) {
  if (node.kind != NodeKind::kMapping) {
    return Expect(node, NodeKind::kMapping, "a mapping", FormHint(field, node, field.list));
  }
  std::vector<const Field*> seen;
  tree.ForEachPair(node, [&](const Node& key, const Node& value) {
    if (key.kind != NodeKind::kScalar || key.reported) return;
    void* target = block;
    const Field* known = FindField(key, spec, target);
    if (known == nullptr) return ReportUnknownKey(key, spec);
    // The reader has reported a key that is given twice.
    if (std::find(seen.begin(), seen.end(), known) != seen.end()) return;
    seen.push_back(known);
    if (known->later) {
      diagnostics.Error(Code::kNotAvailableYet, At(key), "key " + Quoted(key.text) + " is not available yet");
    } else if (value.reported) {
      return;
    } else if (value.kind == NodeKind::kNull) {
      diagnostics.Error(Code::kWrongType, At(key), "key " + Quoted(key.text) + " has no value",
                        FormHint(*known, value, false));
    } else if (known->non_empty && value.kind == NodeKind::kSequence && value.children == 0) {
      diagnostics.Error(known->empty, At(value), "list " + Quoted(key.text) + " is empty",
                        FormHint(*known, value, false));
    } else {
      known->decode(*this, key, value, *known, target);
    }
  });
  CheckRequired(node, spec, seen);
  CheckRules(node, spec);
  return true;
}

void Decoder::CheckRequired(const Node& node, const BlockSpec& spec, const std::vector<const Field*>& seen) {
  for (const BlockSpec* part = &spec; part != nullptr; part = part->more) {
    for (const Field& field : part->fields) {
      if (!field.required || std::find(seen.begin(), seen.end(), &field) != seen.end()) continue;
      diagnostics.Error(Code::kMissingKey, At(node),
                        "key " + Quoted(field.key) + " is missing in " + std::string(spec.name));
    }
  }
}

void Decoder::CheckRules(const Node& node, const BlockSpec& spec) {
  for (const KeyRule& rule : spec.rules) {
    std::string list;
    size_t keys = 0;
    std::vector<const Node*> given;
    for (const std::string_view wanted : rule.keys) {
      if (wanted.empty()) continue;
      ++keys;
      list += (list.empty() ? "'" : ", '") + std::string(wanted) + "'";
      tree.ForEachPair(node, [&](const Node& key, const Node& /*value*/) {
        if (key.text == wanted) given.push_back(&key);
      });
    }
    std::sort(given.begin(), given.end(),
              [](const Node* a, const Node* b) { return std::tie(a->line, a->column) < std::tie(b->line, b->column); });
    const bool together = rule.kind == KeyRuleKind::kTogether;
    const std::string name(spec.name);
    if (together && !given.empty() && given.size() < keys) {
      diagnostics.Error(rule.code, At(*given.front()), name + " needs all of " + list + " or none");
    } else if (!together && given.size() > 1) {
      diagnostics.Error(rule.code, At(*given[1]), name + " takes only one of " + list, "the other is at",
                        At(*given[0]));
    } else if (rule.kind == KeyRuleKind::kExactlyOne && given.empty()) {
      diagnostics.Error(rule.code, At(node), name + " needs one of " + list);
    }
  }
}

bool DecodeValue(Decoder& decoder, const Node& node, const Field& field, std::vector<HeaderField>& out) {
  if (!decoder.Expect(node, NodeKind::kMapping, "a mapping of header names to values", FormHint(field, node, false))) {
    return false;
  }
  decoder.tree.ForEachPair(node, [&](const Node& name, const Node& value) {
    if (name.kind != NodeKind::kScalar) return;
    HeaderField item;
    const bool named = DecodeValue(decoder, name, Field{.key = field.key, .type = FieldType::kHeaderName}, item.name);
    const Field value_field{.key = field.key, .type = FieldType::kHeaderValue};
    if (DecodeValue(decoder, value, value_field, item.value) && named) out.push_back(std::move(item));
  });
  return true;
}

}  // namespace headgate::config
