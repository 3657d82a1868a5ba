// Nodes to model structs by the table of fields. Every problem is added to one list; what is wrong stays absent.
// Owned by DecodeUnit, for one file.
// Control thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/diagnostic.h"
#include "config/fields/fields.h"
#include "config/model.h"

namespace headgate::config {

class Decoder {
 public:
  Decoder(const YamlTree& yaml, uint32_t file, std::string_view directory, DiagnosticList& list)
      : tree(yaml), diagnostics(list), file_(file), directory_(directory) {}

  /// Decodes every key of `node`, which must be a mapping, into the struct that `spec` describes. `field` holds it.
  bool Block(const Node& node, const BlockSpec& spec, void* block, const Field& field);

  // Scalars: false after a problem was reported.
  bool Scalar(const Node& node, const Field& field, std::string& out);
  bool Scalar(const Node& node, const Field& field, bool& out);
  bool Scalar(const Node& node, const Field& field, uint16_t& out);
  bool Scalar(const Node& node, const Field& field, uint32_t& out);
  bool Scalar(const Node& node, const Field& field, uint64_t& out);
  bool Scalar(const Node& node, const Field& field, Duration& out);
  bool Scalar(const Node& node, const Field& field, Percent& out);
  bool Scalar(const Node& node, const Field& field, HostPort& out);
  bool Scalar(const Node& node, const Field& field, base::Cidr& out);
  bool Scalar(const Node& node, const Field& field, FilePath& out);
  bool ChoiceOf(const Node& node, const Field& field, int& out);

  /// True if `node` has this kind; else reported, with `hint`.
  bool Expect(const Node& node, NodeKind kind, std::string_view wanted, std::string hint = {});
  /// True if `node` is a list; else reported, with the form that the field has.
  bool ExpectList(const Node& node, const Field& field);
  /// The text is not what the field wants.
  bool Malformed(const Node& node, const Field& field, Code code);

  Position At(const Node& node) const { return PositionOf(node, file_); }

  const YamlTree& tree;
  DiagnosticList& diagnostics;

 private:
  const Field* FindField(const Node& key, const BlockSpec& spec, void*& block);
  void ReportUnknownKey(const Node& key, const BlockSpec& spec);
  void CheckRequired(const Node& node, const BlockSpec& spec, const std::vector<const Field*>& seen);
  void CheckRules(const Node& node, const BlockSpec& spec);
  bool ExpectScalar(const Node& node, const Field& field);
  void WarnOfLiteral(const Node& node, const Field& field);
  bool Quantity(const Node& node, const Field& field, uint64_t& out);

  uint32_t file_;
  std::string_view directory_;
};

// The tables, so that nobody instantiates a missing one.
template <>
const BlockSpec& BlockOf<Limits>();
template <>
const BlockSpec& BlockOf<Certificate>();
template <>
const BlockSpec& BlockOf<ListenerTls>();
template <>
const BlockSpec& BlockOf<HttpsRedirect>();
template <>
const BlockSpec& BlockOf<ProxyProtocol>();
template <>
const BlockSpec& BlockOf<Listener>();
template <>
const BlockSpec& BlockOf<Admin>();
template <>
const BlockSpec& BlockOf<MetricsEndpoint>();
template <>
const BlockSpec& BlockOf<AccessLog>();
template <>
const BlockSpec& BlockOf<Drain>();
template <>
const BlockSpec& BlockOf<UpstreamTls>();
template <>
const BlockSpec& BlockOf<Connections>();
template <>
const BlockSpec& BlockOf<Upstream>();
template <>
const BlockSpec& BlockOf<Sticky>();
template <>
const BlockSpec& BlockOf<Timeouts>();
template <>
const BlockSpec& BlockOf<Retry>();
template <>
const BlockSpec& BlockOf<HeaderChanges>();
template <>
const BlockSpec& BlockOf<Rewrite>();
template <>
const BlockSpec& BlockOf<Access>();
template <>
const BlockSpec& BlockOf<RateLimit>();
template <>
const BlockSpec& BlockOf<RoutePolicy>();
template <>
const BlockSpec& BlockOf<RouteMatch>();
template <>
const BlockSpec& BlockOf<Force>();
template <>
const BlockSpec& BlockOf<Backend>();
template <>
const BlockSpec& BlockOf<BlueGreen>();
template <>
const BlockSpec& BlockOf<Redirect>();
template <>
const BlockSpec& BlockOf<Respond>();
template <>
const BlockSpec& BlockOf<Route>();

// How a value gets into a member, by the member's type. A struct with a table is a block; the rest are scalars.

template <class T>
inline constexpr bool kIsScalar =
    std::is_arithmetic_v<T> || std::is_same_v<T, std::string> || std::is_same_v<T, Duration> ||
    std::is_same_v<T, Percent> || std::is_same_v<T, HostPort> || std::is_same_v<T, base::Cidr> ||
    std::is_same_v<T, FilePath>;

template <class T>
bool DecodeValue(Decoder& decoder, const Node& node, const Field& field, T& out) {
  if constexpr (std::is_enum_v<T>) {
    int value = 0;
    if (!decoder.ChoiceOf(node, field, value)) return false;
    out = static_cast<T>(value);
    return true;
  } else if constexpr (kIsScalar<T>) {
    return decoder.Scalar(node, field, out);
  } else {
    if constexpr (requires { out.at = Position{}; }) out.at = decoder.At(node);
    return decoder.Block(node, BlockOf<T>(), &out, field);
  }
}

template <class T>
bool DecodeValue(Decoder& decoder, const Node& node, const Field& field, Located<T>& out) {
  out.at = decoder.At(node);
  return DecodeValue(decoder, node, field, out.value);
}

template <class T>
bool DecodeValue(Decoder& decoder, const Node& node, const Field& field, Optional<T>& out) {
  Located<T> value;
  if (!DecodeValue(decoder, node, field, value)) return false;
  out = std::move(value);
  return true;
}

template <class T>
bool DecodeValue(Decoder& decoder, const Node& node, const Field& field, Setting<T>& out) {
  if (field.none && node.kind == NodeKind::kScalar && node.text == "none") {
    out.SetNone(decoder.At(node));
    return true;
  }
  T value{};
  if (!DecodeValue(decoder, node, field, value)) return false;
  out.Set(std::move(value), decoder.At(node));
  return true;
}

template <class T>
bool DecodeValue(Decoder& decoder, const Node& node, const Field& field, Box<T>& out) {
  const bool decoded = DecodeValue(decoder, node, field, out.emplace());
  if (!decoded) out.reset();
  return decoded;
}

template <class T>
bool DecodeValue(Decoder& decoder, const Node& node, const Field& field, std::shared_ptr<const T>& out) {
  auto value = std::make_shared<T>();
  const bool decoded = DecodeValue(decoder, node, field, *value);
  out = std::move(value);
  return decoded;
}

/// A list; an item that cannot be decoded is reported and left out. Blocks stay, so that their names are known.
template <class T>
bool DecodeValue(Decoder& decoder, const Node& node, const Field& field, std::vector<T>& out) {
  if (!decoder.ExpectList(node, field)) return false;
  out.reserve(node.children);
  decoder.tree.ForEach(node, [&](const Node& child) {
    T item{};
    if (DecodeValue(decoder, child, field, item)) out.push_back(std::move(item));
  });
  return true;
}

/// "set: {name: value}".
bool DecodeValue(Decoder& decoder, const Node& node, const Field& field, std::vector<HeaderField>& out);

template <auto Member>
struct MemberOf;
template <class C, class V, V C::* Member>
struct MemberOf<Member> {
  using Class = C;
};

/// The DecodeFunction of a field that is one member of the block.
template <auto Member>
void Into(Decoder& decoder, const Node& /*key*/, const Node& value, const Field& field, void* block) {
  DecodeValue(decoder, value, field, static_cast<typename MemberOf<Member>::Class*>(block)->*Member);
}

}  // namespace headgate::config
