#include "config/decoder.h"

#include <algorithm>
#include <limits>
#include <span>
#include <tuple>

#include "config/parse.h"
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

// What a field wants, for messages.
std::string Wanted(const Field& field) {
  const std::string or_none = field.none ? ", or none" : "";
  switch (field.type) {
    case FieldType::kBool:
      return "true or false";
    case FieldType::kCount:
      return "a decimal number without quotes and leading zeros" + or_none;
    case FieldType::kSize:
      return "a size like 512, 64KiB or 10MiB" + or_none;
    case FieldType::kDuration:
      return "a duration like 250ms, 5s, 10m or 1h" + or_none;
    case FieldType::kPercent:
      return "a percentage like 20%";
    case FieldType::kListenAddress:
      return "an IP address and a port, like 0.0.0.0:8080 or [::]:8080";
    case FieldType::kUpstreamAddress:
      return "host:port, like shop.example:80, 10.0.0.1:80 or [::1]:80";
    case FieldType::kCidr:
      return "an address range like 10.0.0.0/8 or 2001:db8::/32 whose host bits are 0";
    case FieldType::kHostname:
      return "a hostname, \"*.\" and a hostname, or an IP address";
    case FieldType::kDnsName:
      return "a hostname or an IP address";
    case FieldType::kName:
      return "1 to 128 printable characters without spaces, quotes, backslash and braces";
    case FieldType::kHeaderName:
    case FieldType::kToken:
    case FieldType::kMethod:
      return "a token of letters, digits and !#$%&'*+-.^_`|~";
    case FieldType::kHeaderValue:
      return "one line without white space at its ends and without control characters";
    case FieldType::kText:
    case FieldType::kPath:
    case FieldType::kRegex:
    case FieldType::kFile:
    case FieldType::kChoice:
    case FieldType::kBlock:
    case FieldType::kHeaderMap:
    case FieldType::kBlockMap:
    case FieldType::kSpecial:
      return "a value";
  }
  return "a value";
}

// The code under which a text of this type is refused.
Code CodeOf(FieldType type) {
  switch (type) {
    case FieldType::kName:
      return Code::kBadName;
    case FieldType::kHostname:
    case FieldType::kDnsName:
      return Code::kBadHostname;
    case FieldType::kPath:
      return Code::kBadPath;
    case FieldType::kHeaderName:
    case FieldType::kHeaderValue:
    case FieldType::kToken:
      return Code::kBadHeader;
    case FieldType::kMethod:
      return Code::kBadMethod;
    case FieldType::kListenAddress:
    case FieldType::kUpstreamAddress:
      return Code::kBadAddress;
    case FieldType::kCidr:
      return Code::kBadCidr;
    case FieldType::kText:
    case FieldType::kRegex:
    case FieldType::kFile:
    case FieldType::kBool:
    case FieldType::kCount:
    case FieldType::kSize:
    case FieldType::kDuration:
    case FieldType::kPercent:
    case FieldType::kChoice:
    case FieldType::kBlock:
    case FieldType::kHeaderMap:
    case FieldType::kBlockMap:
    case FieldType::kSpecial:
      return Code::kMalformedValue;
  }
  return Code::kMalformedValue;
}

bool IsMethod(std::string_view text) {
  if (!IsToken(text)) return false;
  return Lower(text) != text || text.find_first_not_of("!#$%&'*+-.^_`|~0123456789") == std::string_view::npos;
}

// Empty: the text is fine.
std::string TextProblem(const Field& field, std::string_view text) {
  bool good = true;
  switch (field.type) {
    case FieldType::kPath:
      return PathProblem(text);
    case FieldType::kName:
      good = IsName(text);
      break;
    case FieldType::kHostname:
      good = IsRouteHostname(text);
      break;
    case FieldType::kDnsName:
      good = IsRouteHostname(text) && !text.starts_with('*');
      break;
    case FieldType::kHeaderName:
    case FieldType::kToken:
      good = IsToken(text);
      break;
    case FieldType::kHeaderValue:
      good = IsHeaderValue(text);
      break;
    case FieldType::kMethod:
      if (text == "CONNECT" || text == "TRACE") return "CONNECT and TRACE are always answered 405";
      if (IsToken(text) && !IsMethod(text)) return "methods are written in upper case";
      good = IsToken(text);
      break;
    case FieldType::kRegex:
    case FieldType::kFile:
      if (text.empty()) return "must not be empty";
      break;
    case FieldType::kText:
    case FieldType::kBool:
    case FieldType::kCount:
    case FieldType::kSize:
    case FieldType::kDuration:
    case FieldType::kPercent:
    case FieldType::kListenAddress:
    case FieldType::kUpstreamAddress:
    case FieldType::kCidr:
    case FieldType::kChoice:
    case FieldType::kBlock:
    case FieldType::kHeaderMap:
    case FieldType::kBlockMap:
    case FieldType::kSpecial:
      break;
  }
  return good ? std::string() : "expected " + Wanted(field);
}

}  // namespace

std::string FormatQuantity(FieldType type, uint64_t value) {
  if (type == FieldType::kDuration) {
    constexpr uint64_t kMs = 1'000'000;
    if (value % (3'600'000 * kMs) == 0) return std::to_string(value / (3'600'000 * kMs)) + "h";
    if (value % (60'000 * kMs) == 0) return std::to_string(value / (60'000 * kMs)) + "m";
    if (value % (1'000 * kMs) == 0) return std::to_string(value / (1'000 * kMs)) + "s";
    return std::to_string(value / kMs) + "ms";
  }
  if (type == FieldType::kSize && value > 0) {
    if (value % (1U << 30U) == 0) return std::to_string(value >> 30U) + "GiB";
    if (value % (1U << 20U) == 0) return std::to_string(value >> 20U) + "MiB";
    if (value % (1U << 10U) == 0) return std::to_string(value >> 10U) + "KiB";
  }
  return std::to_string(value);
}

bool Decoder::Expect(const Node& node, NodeKind kind, std::string_view wanted) {
  if (node.kind == kind) return true;
  if (!node.reported) WrongType(node, wanted);
  return false;
}

void Decoder::WrongType(const Node& node, std::string_view wanted) {
  diagnostics.Error(Code::kWrongType, At(node),
                    "expected " + std::string(wanted) + ", found " + std::string(KindName(node)));
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
  std::vector<std::string_view> known;
  for (const BlockSpec* part = &spec; part != nullptr; part = part->more) {
    for (const Field& field : part->fields) {
      if (!field.later) known.push_back(field.key);
    }
  }
  diagnostics.Error(Code::kUnknownKey, At(key), "unknown key " + Quoted(key.text) + " in " + std::string(spec.name),
                    DidYouMean(key.text, known));
}

bool Decoder::Block(const Node& node, const BlockSpec& spec, void* block) {
  if (!Expect(node, NodeKind::kMapping, "a mapping")) return false;
  std::vector<const Field*> seen;
  tree.ForEachPair(node, [&](const Node& key, const Node& value) {
    if (key.kind != NodeKind::kScalar || key.reported) return;
    void* target = block;
    const Field* field = FindField(key, spec, target);
    if (field == nullptr) return ReportUnknownKey(key, spec);
    // The reader has reported a key that is given twice.
    if (std::find(seen.begin(), seen.end(), field) != seen.end()) return;
    seen.push_back(field);
    if (field->later) {
      diagnostics.Error(Code::kNotAvailableYet, At(key), "key " + Quoted(key.text) + " is not available yet");
    } else if (value.reported) {
      return;
    } else if (value.kind == NodeKind::kNull) {
      diagnostics.Error(Code::kWrongType, At(key), "key " + Quoted(key.text) + " has no value");
    } else if (field->non_empty && value.kind == NodeKind::kSequence && value.children == 0) {
      diagnostics.Error(Code::kMissingKey, At(value), "list " + Quoted(key.text) + " is empty");
    } else {
      field->decode(*this, key, value, *field, target);
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

bool Decoder::Scalar(const Node& node, const Field& field, std::string& out) {
  if (!Expect(node, NodeKind::kScalar, Wanted(field))) return false;
  const std::string problem = TextProblem(field, node.text);
  if (!problem.empty()) {
    diagnostics.Error(CodeOf(field.type), At(node), Quoted(node.text) + " in " + Quoted(field.key) + ": " + problem);
    return false;
  }
  out = node.text;
  return true;
}

bool Decoder::Scalar(const Node& node, const Field& field, bool& out) {
  if (!Expect(node, NodeKind::kScalar, Wanted(field))) return false;
  const std::optional<bool> value = node.plain ? ParseBool(node.text) : std::nullopt;
  if (!value) {
    diagnostics.Error(Code::kMalformedValue, At(node),
                      Quoted(node.text) + " in " + Quoted(field.key) + ": expected " + Wanted(field));
    return false;
  }
  out = *value;
  return true;
}

// Counts, sizes and durations: text to a number within the field's bounds.
bool Decoder::Quantity(const Node& node, const Field& field, uint64_t& out) {
  if (!Expect(node, NodeKind::kScalar, Wanted(field))) return false;
  std::optional<uint64_t> value;
  if (field.type == FieldType::kDuration) {
    if (const auto duration = ParseDuration(node.text)) value = static_cast<uint64_t>(duration->count());
  } else if (field.type == FieldType::kSize) {
    value = ParseSize(node.text);
  } else if (node.plain) {
    value = ParseCount(node.text);
  }
  if (!value) {
    diagnostics.Error(Code::kMalformedValue, At(node),
                      Quoted(node.text) + " in " + Quoted(field.key) + ": expected " + Wanted(field));
    return false;
  }
  if (*value < field.min || *value > field.max) {
    const bool bounded = field.max != std::numeric_limits<uint64_t>::max();
    const std::string least = FormatQuantity(field.type, field.min);
    diagnostics.Error(
        Code::kOutOfRange, At(node),
        Quoted(field.key) + " must be " +
            (bounded ? "from " + least + " to " + FormatQuantity(field.type, field.max) : "at least " + least));
    return false;
  }
  out = *value;
  return true;
}

bool Decoder::Scalar(const Node& node, const Field& field, uint64_t& out) { return Quantity(node, field, out); }

bool Decoder::Scalar(const Node& node, const Field& field, uint32_t& out) {
  uint64_t value = 0;
  if (!Quantity(node, field, value)) return false;
  out = static_cast<uint32_t>(value);
  return true;
}

bool Decoder::Scalar(const Node& node, const Field& field, uint16_t& out) {
  uint64_t value = 0;
  if (!Quantity(node, field, value)) return false;
  out = static_cast<uint16_t>(value);
  return true;
}

bool Decoder::Scalar(const Node& node, const Field& field, Duration& out) {
  uint64_t value = 0;
  if (!Quantity(node, field, value)) return false;
  out = Duration(static_cast<int64_t>(value));
  return true;
}

bool Decoder::Scalar(const Node& node, const Field& field, Percent& out) {
  if (!Expect(node, NodeKind::kScalar, Wanted(field))) return false;
  const std::optional<Percent> value = ParsePercent(node.text);
  if (!value) {
    diagnostics.Error(Code::kMalformedValue, At(node),
                      Quoted(node.text) + " in " + Quoted(field.key) + ": expected " + Wanted(field));
    return false;
  }
  out = *value;
  return true;
}

bool Decoder::Scalar(const Node& node, const Field& field, HostPort& out) {
  if (!Expect(node, NodeKind::kScalar, Wanted(field))) return false;
  std::optional<HostPort> value = ParseHostPort(node.text);
  const bool address_only = field.type == FieldType::kListenAddress;
  if (value && address_only && value->name == "localhost") {
    value = HostPort{{}, base::IpAddress::V4(0x7F000001), value->port};
  }
  if (!value || (address_only && value->IsName())) {
    diagnostics.Error(Code::kBadAddress, At(node),
                      Quoted(node.text) + " in " + Quoted(field.key) + ": expected " + Wanted(field));
    return false;
  }
  out = *std::move(value);
  return true;
}

bool Decoder::Scalar(const Node& node, const Field& field, base::Cidr& out) {
  if (!Expect(node, NodeKind::kScalar, Wanted(field))) return false;
  const std::optional<base::Cidr> value = base::Cidr::Parse(node.text);
  if (!value) {
    diagnostics.Error(Code::kBadCidr, At(node),
                      Quoted(node.text) + " in " + Quoted(field.key) + ": expected " + Wanted(field));
    return false;
  }
  out = *value;
  return true;
}

bool Decoder::Scalar(const Node& node, const Field& field, FilePath& out) {
  if (!Scalar(node, field, out.written)) return false;
  out.resolved = ResolvePath(directory_, out.written);
  return true;
}

bool Decoder::ChoiceOf(const Node& node, const Field& field, int& out) {
  std::string list;
  std::vector<std::string_view> words;
  for (const Choice& choice : field.choices) {
    if (choice.later) continue;
    words.push_back(choice.text);
    list += (list.empty() ? "" : ", ") + std::string(choice.text);
  }
  if (!Expect(node, NodeKind::kScalar, list)) return false;
  for (const Choice& choice : field.choices) {
    if (choice.text != node.text) continue;
    if (choice.later) {
      diagnostics.Error(Code::kNotAvailableYet, At(node),
                        Quoted(node.text) + " in " + Quoted(field.key) + " is not available yet");
      return false;
    }
    out = choice.value;
    return true;
  }
  diagnostics.Error(
      Code::kUnknownChoice, At(node),
      Quoted(node.text) + " in " + Quoted(field.key) + ": expected " + (words.size() > 1 ? "one of " : "") + list,
      DidYouMean(node.text, words));
  return false;
}

bool DecodeValue(Decoder& decoder, const Node& node, const Field& field, std::vector<HeaderField>& out) {
  if (!decoder.Expect(node, NodeKind::kMapping, "a mapping of header names to values")) return false;
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
