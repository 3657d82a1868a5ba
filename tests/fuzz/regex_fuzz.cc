// Patterns and bytes. The first part of the input makes a pattern, the rest is what a client sent: any bytes at all. A
// second matcher, slow and bytewise, must agree whether all of it matches, and whether some of it does.
#include <algorithm>
#include <bitset>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/slab.h"
#include "routing/regex/regex.h"

namespace {

constexpr size_t kTextBytesMax = 63;
constexpr int kDepthMax = 4;
using Positions = std::bitset<kTextBytesMax + 1>;

void Require(bool condition, const char* what, std::string_view pattern) {
  if (condition) return;
  std::fprintf(stderr, "not so: %s: %.*s\n", what, static_cast<int>(pattern.size()), pattern.data());
  std::abort();
}

struct Node {
  enum class Kind { kBytes, kSequence, kEither, kRepeated, kOptional } kind = Kind::kSequence;
  std::bitset<256> bytes;
  std::vector<Node> parts;
  std::string pattern;
};

// Where a match can end that begins at one of `starts`.
Positions Ends(const Node& node, std::string_view text, Positions starts) {
  Positions ends;
  switch (node.kind) {
    case Node::Kind::kBytes:
      for (size_t i = 0; i < text.size(); ++i) {
        if (starts[i] && node.bytes[static_cast<uint8_t>(text[i])]) ends.set(i + 1);
      }
      return ends;
    case Node::Kind::kSequence:
      for (const Node& part : node.parts) starts = Ends(part, text, starts);
      return starts;
    case Node::Kind::kEither:
      for (const Node& part : node.parts) ends |= Ends(part, text, starts);
      return ends;
    case Node::Kind::kOptional:
      return starts | Ends(node.parts[0], text, starts);
    case Node::Kind::kRepeated:
      for (ends = starts;; ends = starts) {
        starts |= Ends(node.parts[0], text, starts);
        if (starts == ends) return ends;
      }
  }
  return ends;
}

// One byte as a pattern spells it.
std::string Spelled(uint8_t byte) {
  if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9')) {
    return {static_cast<char>(byte)};
  }
  constexpr char kHex[] = "0123456789abcdef";
  return {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
}

class Input {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}
  uint8_t Byte() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }
  std::string_view Rest() const { return bytes_.substr(0, kTextBytesMax); }

 private:
  std::string_view bytes_;
};

Node OneByte(Input& input) {
  Node node{Node::Kind::kBytes, {}, {}, {}};
  const uint8_t byte = input.Byte();
  node.bytes.set(byte);
  node.pattern = Spelled(byte);
  return node;
}

Node AnyByte() {
  Node node{Node::Kind::kBytes, {}, {}, "."};
  node.bytes.set();
  return node;
}

Node Class(Input& input, bool negated) {
  Node node{Node::Kind::kBytes, {}, {}, negated ? "[^" : "["};
  const uint8_t one = input.Byte();
  const uint8_t other = input.Byte();
  for (int byte = std::min(one, other); byte <= std::max(one, other); ++byte) node.bytes.set(static_cast<size_t>(byte));
  if (negated) node.bytes.flip();
  node.pattern += Spelled(std::min(one, other)) + "-" + Spelled(std::max(one, other)) + "]";
  return node;
}

Node Pattern(Input& input, int depth);

Node Several(Node::Kind kind, Input& input, int depth) {
  Node node{kind, {}, {}, {}};
  const char* mark = kind == Node::Kind::kEither ? "|" : "";
  for (int parts = 1 + input.Byte() % 4; parts > 0; --parts) {
    node.parts.push_back(Pattern(input, depth - 1));
    node.pattern += (node.pattern.empty() ? "" : mark) + node.parts.back().pattern;
  }
  node.pattern = "(?:" + node.pattern + ")";
  return node;
}

Node Suffixed(Node::Kind kind, Input& input, int depth) {
  Node node{kind, {}, {Pattern(input, depth - 1)}, {}};
  node.pattern = "(" + node.parts[0].pattern + (kind == Node::Kind::kRepeated ? ")*" : ")?");
  return node;
}

Node Pattern(Input& input, int depth) {
  const uint8_t choice = input.Byte() % 8;
  switch (depth == 0 ? choice % 4 : choice) {
    case 0:
      return OneByte(input);
    case 1:
      return AnyByte();
    case 2:
      return Class(input, false);
    case 3:
      return Class(input, true);
    case 4:
      return Several(Node::Kind::kEither, input, depth);
    case 5:
      return Suffixed(Node::Kind::kRepeated, input, depth);
    case 6:
      return Suffixed(Node::Kind::kOptional, input, depth);
    default:
      return Several(Node::Kind::kSequence, input, depth);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input({reinterpret_cast<const char*>(data), size});
  const Node node = Pattern(input, kDepthMax);
  const std::string_view text = input.Rest();
  const auto regex = headgate::routing::Regex::Compile(node.pattern);
  if (!regex.ok()) return 0;  // too large
  Positions start;
  start.set(0);
  Require((*regex)->FullMatch(text) == Ends(node, text, start)[text.size()], "all of it matches", node.pattern);
  Positions anywhere;
  for (size_t i = 0; i <= text.size(); ++i) anywhere.set(i);
  headgate::base::SlabPool pool;
  headgate::base::Arena arena(pool);
  const auto same = (*regex)->Replace(text, "\\0", arena);
  Require(same.has_value() == Ends(node, text, anywhere).any(), "some of it matches", node.pattern);
  if (same.has_value()) Require(*same == text, "a match replaced by itself changes nothing", node.pattern);
  return 0;
}
