#include "config/fields/schema.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "config/fields/decoder.h"
#include "config/parse.h"
#include "config/text.h"

namespace headgate::config {
namespace {

std::string Json(std::string_view text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

// Pieces of one object, joined with commas.
class ObjectWriter {
 public:
  void Add(std::string_view key, const std::string& json) {
    text_ += (text_.empty() ? "" : ", ") + Json(key) + ": " + json;
  }
  void AddPieces(std::string_view pieces) {
    if (!pieces.empty()) text_ += (text_.empty() ? "" : ", ") + std::string(pieces);
  }
  std::string Take() { return "{" + std::exchange(text_, {}) + "}"; }

 private:
  std::string text_;
};

// "a header match": aHeaderMatch.
std::string DefinitionName(const BlockSpec& spec) {
  std::string out;
  bool upper = false;
  for (const char c : spec.name) {
    if (c == ' ' || c == '\'') {
      upper = true;
      continue;
    }
    out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return out;
}

std::string Reference(const BlockSpec& spec) { return "\"$ref\": " + Json("#/$defs/" + DefinitionName(spec)); }

std::string Pattern(std::string_view pattern) { return R"("type": "string", "pattern": )" + Json(pattern); }

// Where the decoder takes what YAML reads as a number or a boolean for its text.
constexpr std::string_view kAnyScalar = R"("type": ["string", "number", "boolean"])";
constexpr std::string_view kNamePattern = R"(^[!#-&(-\[\]-_a-z|~]{1,128}$)";
constexpr std::string_view kTokenPattern = R"(^[!#$%&'*+.^_`|~0-9A-Za-z-]+$)";
constexpr std::string_view kPort =
    "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";

std::string ScalarPattern(std::string_view pattern) {
  return std::string(kAnyScalar) + ", \"pattern\": " + Json(pattern);
}

std::string MapPieces(std::string_view key_pattern, std::string_view value_pieces) {
  return R"("type": "object", "propertyNames": {"pattern": )" + Json(key_pattern) + R"(}, "additionalProperties": {)" +
         std::string(value_pieces) + "}";
}

std::string CountPieces(const Field& field) {
  std::string out = R"("type": "integer", "minimum": )" + std::to_string(field.min);
  if (field.max != std::numeric_limits<uint64_t>::max()) out += ", \"maximum\": " + std::to_string(field.max);
  return out;
}

// A word or, where YAML would read one, a number.
std::string ChoicePieces(const Field& field) {
  std::string list;
  for (const Choice& choice : field.choices) {
    if (choice.later) continue;
    list += (list.empty() ? "" : ", ") + Json(choice.text);
    const bool number = choice.text.find_first_not_of("0123456789.") == std::string_view::npos;
    if (number) list += ", " + std::string(choice.text);
  }
  return "\"enum\": [" + list + "]";
}

// What one value of the field is, without the braces.
std::string ValuePieces(const Field& field) {
  switch (field.type) {
    case FieldType::kText:
    case FieldType::kRegex:
    case FieldType::kCidr:
    case FieldType::kHostname:
    case FieldType::kDnsName:
    case FieldType::kHeaderValue:
      return std::string(kAnyScalar);
    case FieldType::kName:
      return ScalarPattern(kNamePattern);
    case FieldType::kPath:
      return Pattern(R"(^/[^?#\s\\]*$)");
    case FieldType::kHeaderName:
    case FieldType::kToken:
      return ScalarPattern(kTokenPattern);
    case FieldType::kMethod:
      return Pattern(R"(^[!#$%&'*+.^_`|~0-9A-Z-]+$)");
    case FieldType::kFile:
      return std::string(kAnyScalar) + ", \"minLength\": 1";
    case FieldType::kBool:
      return R"("type": "boolean")";
    case FieldType::kCount:
      return CountPieces(field);
    case FieldType::kSize:
      return "\"anyOf\": [{" + CountPieces(field) +
             R"(}, {"type": "string", "pattern": "^(0|[1-9][0-9]*)(KiB|MiB|GiB)?$"}])";
    case FieldType::kDuration:
      return Pattern("^(0|[1-9][0-9]*)(ms|s|m|h)$");
    case FieldType::kPercent:
      return Pattern(R"(^((0|[1-9][0-9]?)(\.[0-9]{1,4})?|100(\.0{1,4})?)%$)");
    case FieldType::kListenAddress:
      return Pattern(R"(^(localhost|[0-9.]+|\[[0-9A-Fa-f:.]+\]):)" + std::string(kPort) + "$");
    case FieldType::kUpstreamAddress:
      return Pattern("^.+:" + std::string(kPort) + "$");
    case FieldType::kChoice:
      return ChoicePieces(field);
    case FieldType::kBlock:
      return Reference(field.block());
    case FieldType::kHeaderMap:
      return MapPieces(kTokenPattern, kAnyScalar);
    case FieldType::kBlockMap:
      return MapPieces(kNamePattern, Reference(field.block()));
    case FieldType::kSpecial: {
      std::string own(field.schema);
      if (field.block == nullptr) return own.substr(1, own.size() - 2);
      return "\"anyOf\": [" + own + ", {" + Reference(field.block()) + "}]";
    }
  }
  return {};
}

// Null where the default is a sentence.
std::string DefaultJson(const Field& field) {
  const std::string_view text = field.default_text;
  if (text.empty()) return {};
  const bool boolean = field.type == FieldType::kBool || (field.type == FieldType::kSpecial && ParseBool(text));
  if (boolean || text == "[]" || text == "{}") return std::string(text);
  if (field.type == FieldType::kCount && ParseCount(text)) return std::string(text);
  if (text == "[http/1.1]") return R"(["http/1.1"])";
  if (text == "[connectFailure]") return R"(["connectFailure"])";
  if (text == "[GET, HEAD, OPTIONS, QUERY]") return R"(["GET", "HEAD", "OPTIONS", "QUERY"])";
  return text.find(' ') == std::string_view::npos ? Json(text) : std::string();
}

std::string FieldSchema(const Field& field) {
  std::string pieces = ValuePieces(field);
  if (field.list) {
    pieces = "\"type\": \"array\", \"items\": {" + pieces + "}";
    if (field.non_empty) pieces += ", \"minItems\": 1";
  }
  ObjectWriter out;
  std::string doc(field.doc);
  const std::string default_json = DefaultJson(field);
  if (default_json.empty() && !field.default_text.empty()) doc += " Default: " + std::string(field.default_text) + ".";
  const bool ranged = field.type == FieldType::kDuration || field.type == FieldType::kSize;
  if (ranged && field.min > 0) doc += " At least " + FormatQuantity(field.type, field.min) + ".";
  if (ranged && field.max != std::numeric_limits<uint64_t>::max()) {
    doc += " At most " + FormatQuantity(field.type, field.max) + ".";
  }
  out.Add("description", Json(doc));
  if (!default_json.empty()) out.Add("default", default_json);
  out.AddPieces(field.none ? "\"anyOf\": [{\"const\": \"none\"}, {" + pieces + "}]" : pieces);
  return out.Take();
}

std::string RuleSchema(const KeyRule& rule) {
  std::vector<std::string> keys;
  for (const std::string_view key : rule.keys) {
    if (!key.empty()) keys.push_back(Json(key));
  }
  std::string out;
  const auto add = [&](const std::string& piece) { out += (out.empty() ? "" : ", ") + piece; };
  if (rule.kind == KeyRuleKind::kTogether) {
    for (const std::string& key : keys) {
      for (const std::string& other : keys) {
        if (key != other) add(key + ": [" + other + "]");
      }
    }
    return "{\"dependentRequired\": {" + out + "}}";
  }
  for (const std::string& key : keys) add("{\"required\": [" + key + "]}");
  if (rule.kind == KeyRuleKind::kExactlyOne) return "{\"oneOf\": [" + out + "]}";
  return "{\"oneOf\": [" + out + ", {\"not\": {\"anyOf\": [" + out + "]}}]}";
}

std::string BlockSchema(const BlockSpec& spec) {
  std::string properties;
  std::string required;
  for (const BlockSpec* part = &spec; part != nullptr; part = part->more) {
    for (const Field& field : part->fields) {
      if (field.later) continue;
      properties += (properties.empty() ? "\n      " : ",\n      ") + Json(field.key) + ": " + FieldSchema(field);
      if (field.required) required += (required.empty() ? "" : ", ") + Json(field.key);
    }
  }
  std::string rules;
  for (const KeyRule& rule : spec.rules) rules += (rules.empty() ? "" : ", ") + RuleSchema(rule);
  std::string out = "\"description\": " + Json(spec.doc) + ", \"type\": \"object\", \"additionalProperties\": false";
  if (!required.empty()) out += ", \"required\": [" + required + "]";
  if (!rules.empty()) out += ", \"allOf\": [" + rules + "]";
  return out + ", \"properties\": {" + properties + "\n    }";
}

// Every block that can be reached, each once.
void CollectBlocks(const BlockSpec& spec, std::vector<const BlockSpec*>& blocks) {
  for (const BlockSpec* part = &spec; part != nullptr; part = part->more) {
    for (const Field& field : part->fields) {
      if (field.later || field.block == nullptr) continue;
      const BlockSpec* block = &field.block();
      if (std::find(blocks.begin(), blocks.end(), block) != blocks.end()) continue;
      blocks.push_back(block);
      CollectBlocks(*block, blocks);
    }
  }
}

}  // namespace

std::string SchemaJson() {
  std::vector<const BlockSpec*> blocks;
  CollectBlocks(RootBlock(), blocks);
  std::string out =
      "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"title\": \"headgate\",\n  " +
      BlockSchema(RootBlock()) + ",\n  \"$defs\": {";
  const char* separator = "\n    ";
  for (const BlockSpec* block : blocks) {
    out += separator + Json(DefinitionName(*block)) + ": {" + BlockSchema(*block) + "}";
    separator = ",\n    ";
  }
  return out + "\n  }\n}\n";
}

}  // namespace headgate::config
