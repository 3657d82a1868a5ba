// Scalars of the file to values: text, numbers within the field's bounds, addresses, words of a choice.
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/fields/decoder.h"
#include "config/fields/field_text.h"
#include "config/fields/value_hints.h"
#include "config/parse.h"
#include "config/text.h"

namespace headgate::config {

bool Decoder::ExpectScalar(const Node& node, const Field& field) {
  return node.kind == NodeKind::kScalar || Expect(node, NodeKind::kScalar, Wanted(field), ValueHint(field, node));
}

bool Decoder::Malformed(const Node& node, const Field& field, Code code) {
  diagnostics.Error(code, At(node), Quoted(node.text) + " in " + Quoted(field.key) + ": expected " + Wanted(field),
                    ValueHint(field, node));
  return false;
}

void Decoder::WarnOfLiteral(const Node& node, const Field& field) {
  Literal literal = LiteralProblem(field, node.text);
  if (literal.problem.empty()) return;
  diagnostics.Warning(Code::kTakenLiterally, At(node), std::move(literal.problem), std::move(literal.hint));
}

bool Decoder::Scalar(const Node& node, const Field& field, std::string& out) {
  if (!ExpectScalar(node, field)) return false;
  const std::string problem = TextProblem(field, node.text);
  if (!problem.empty()) {
    diagnostics.Error(CodeOf(field.type), At(node), Quoted(node.text) + " in " + Quoted(field.key) + ": " + problem,
                      ValueHint(field, node));
    return false;
  }
  WarnOfLiteral(node, field);
  out = node.text;
  return true;
}

bool Decoder::Scalar(const Node& node, const Field& field, bool& out) {
  if (!ExpectScalar(node, field)) return false;
  const std::optional<bool> value = node.plain ? ParseBool(node.text) : std::nullopt;
  if (!value) {
    return Malformed(node, field, Code::kMalformedValue);
  }
  out = *value;
  return true;
}

// Counts, sizes and durations: text to a number within the field's bounds.
bool Decoder::Quantity(const Node& node, const Field& field, uint64_t& out) {
  if (!ExpectScalar(node, field)) return false;
  std::optional<uint64_t> value;
  if (field.type == FieldType::kDuration) {
    if (const auto duration = ParseDuration(node.text)) value = static_cast<uint64_t>(duration->count());
  } else if (field.type == FieldType::kSize) {
    value = ParseSize(node.text);
  } else if (node.plain) {
    value = ParseCount(node.text);
  }
  if (!value) {
    return Malformed(node, field, Code::kMalformedValue);
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
  if (!ExpectScalar(node, field)) return false;
  const std::optional<Percent> value = ParsePercent(node.text);
  if (!value) {
    return Malformed(node, field, Code::kMalformedValue);
  }
  out = *value;
  return true;
}

bool Decoder::Scalar(const Node& node, const Field& field, HostPort& out) {
  if (!ExpectScalar(node, field)) return false;
  std::optional<HostPort> value = ParseHostPort(node.text);
  const bool address_only = field.type == FieldType::kListenAddress;
  if (value && address_only && value->name == "localhost") {
    value = HostPort{{}, base::IpAddress::V4(0x7F000001), value->port};
  }
  if (!value || (address_only && value->IsName())) {
    return Malformed(node, field, Code::kBadAddress);
  }
  out = *std::move(value);
  return true;
}

bool Decoder::Scalar(const Node& node, const Field& field, base::Cidr& out) {
  if (!ExpectScalar(node, field)) return false;
  const std::optional<base::Cidr> value = base::Cidr::Parse(node.text);
  if (!value) {
    return Malformed(node, field, Code::kBadCidr);
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
  size_t words = 0;
  for (const Choice& choice : field.choices) {
    if (choice.later) continue;
    ++words;
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
      Quoted(node.text) + " in " + Quoted(field.key) + ": expected " + (words > 1 ? "one of " : "") + list,
      ValueHint(field, node));
  return false;
}

}  // namespace headgate::config
