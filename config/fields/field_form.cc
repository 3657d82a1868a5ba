#include "config/fields/field_form.h"

#include <algorithm>
#include <vector>

#include "config/fields/foreign_words.h"
#include "config/text.h"

namespace headgate::config {
namespace {

constexpr size_t kShownBytesMax = 80;

// A word that may stand in a flow collection as it is. Words like `true` say that a feature is wanted, not how.
bool IsValue(const Node& node) {
  constexpr std::string_view kLetters = "-._~/:%+*?=&@";
  if (node.kind != NodeKind::kScalar || node.text.empty() || node.text.size() > kShownBytesMax) return false;
  for (const std::string_view word : {"true", "false", "yes", "no", "on", "off", "enabled", "none"}) {
    if (Lower(node.text) == word) return false;
  }
  return std::all_of(node.text.begin(), node.text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kLetters.find(c) != kLetters.npos;
  });
}

bool IsOff(const Node& node) {
  constexpr std::string_view kWords = " false no off none disabled ";
  return node.kind == NodeKind::kScalar && kWords.find(" " + Lower(node.text) + " ") != kWords.npos;
}

std::string InFlow(std::string_view text) {
  constexpr std::string_view kQuoted = "*&?%@:=-";
  const bool quoted = text.find(':') != text.npos || kQuoted.find(text.front()) != kQuoted.npos;
  return quoted ? '"' + std::string(text) + '"' : std::string(text);
}

// The example of a form runs from '$' to the end of its value.
std::string Filled(std::string_view form, const Node& node) {
  const size_t mark = form.find('$');
  if (mark == form.npos) return std::string(form);
  const bool quoted = form.substr(mark + 1, 1) == "\"";
  const size_t end = quoted ? form.find('"', mark + 2) + 1 : form.find_first_of(",}]", mark);
  const std::string_view example = form.substr(mark + 1, end - mark - 1);
  return std::string(form.substr(0, mark)) + (IsValue(node) ? InFlow(node.text) : std::string(example)) +
         std::string(form.substr(end));
}

bool HasKey(const BlockSpec& spec, std::string_view key) {
  for (const BlockSpec* part = &spec; part != nullptr; part = part->more) {
    for (const Field& field : part->fields) {
      if (!field.later && field.key == key) return true;
    }
  }
  return false;
}

void CollectOwners(const BlockSpec& spec, std::string_view key, std::vector<const BlockSpec*>& seen,
                   std::vector<std::string_view>& owners) {
  if (std::find(seen.begin(), seen.end(), &spec) != seen.end()) return;
  seen.push_back(&spec);
  if (HasKey(spec, key)) owners.push_back(spec.name);
  for (const BlockSpec* part = &spec; part != nullptr; part = part->more) {
    for (const Field& field : part->fields) {
      if (!field.later && field.block != nullptr) CollectOwners(field.block(), key, seen, owners);
    }
  }
}

// "a backend or an endpoint": where the key exists.
std::string OwnersOf(std::string_view key) {
  std::vector<const BlockSpec*> seen;
  std::vector<std::string_view> owners;
  CollectOwners(RootBlock(), key, seen, owners);
  std::string text;
  for (size_t i = 0; i < owners.size(); ++i) {
    text += (i == 0 ? "" : i + 1 < owners.size() ? ", " : " or ") + std::string(owners[i]);
  }
  return text;
}

}  // namespace

std::string FormHint(const Field& field, const Node& node, bool item) {
  const bool plain_list = field.list && !item && field.form.empty() && IsValue(node);
  if (plain_list) return "write " + std::string(field.key) + ": [" + InFlow(node.text) + "]";
  if (field.form.empty()) return {};
  if (!item && IsOff(node)) {
    const std::string key(field.key);
    if (key == "accessLog") return "write accessLog: {to: off}";
    return field.none ? "write " + key + ": none" : "leave '" + key + "' out";
  }
  const std::string form = Filled(field.form, node);
  if (item) return "write " + form;
  return "write " + std::string(field.key) + ": " + (field.list ? "[" + form + "]" : form);
}

std::string UnknownKeyHint(std::string_view key, const BlockSpec& spec) {
  if (const std::string_view known = ForeignWord(spec.name, key); !known.empty()) return std::string(known);
  std::vector<std::string_view> keys;
  for (const BlockSpec* part = &spec; part != nullptr; part = part->more) {
    for (const Field& field : part->fields) {
      if (!field.later) keys.push_back(field.key);
    }
  }
  if (std::string near = DidYouMean(key, keys); !near.empty()) return near;
  if (const std::string owners = OwnersOf(key); !owners.empty()) return "it belongs in " + owners;
  if (spec.name == "header changes") return "write set: {" + std::string(key) + ": VALUE}";
  std::string list;
  for (const std::string_view known : keys) list += (list.empty() ? "" : ", ") + std::string(known);
  return "the keys here are " + list;
}

}  // namespace headgate::config
