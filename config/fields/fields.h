// The table of fields: every key's name, type, default, bounds and meaning. The decoder, its suggestions for unknown
// keys, and the JSON Schema are driven by it.
// Nobody owns it: constant tables in the sources beside it.
// Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "config/diagnostic.h"
#include "config/yaml/yaml_node.h"

namespace headgate::config {

class Decoder;

enum class FieldType : uint8_t {
  kText,
  kName,
  kHostname,  // a route's: a name, "*.name" or an address
  kDnsName,   // or an address
  kPath,      // absolute
  kRegex,     // compiled, and so judged, by the compile step
  kHeaderName,
  kHeaderValue,
  kToken,
  kMethod,
  kFile,
  kBool,
  kCount,
  kSize,
  kDuration,
  kPercent,
  kListenAddress,    // an IP address and a port
  kUpstreamAddress,  // a name or an IP address and a port
  kCidr,
  kChoice,
  kBlock,
  kHeaderMap,  // header name to value
  kBlockMap,   // name to block
  kSpecial,    // has its own decoder and its own piece of schema
};

/// One of the values that a kChoice may take. `value` is the enum's.
struct Choice {
  std::string_view text;
  int value = 0;
  bool later = false;
};

struct BlockSpec;
struct Field;
using DecodeFunction = void (*)(Decoder& decoder, const Node& key, const Node& value, const Field& field, void* block);

struct Field {
  std::string_view key = {};
  FieldType type = FieldType::kText;
  std::string_view doc = {};
  std::string_view form = {};  // of a block or a map: how one is written, for hints; '$' before what a short form gives
  DecodeFunction decode = nullptr;
  std::string_view default_text = {};     // as one would write it; "none" and "auto" included
  const BlockSpec& (*block)() = nullptr;  // with kBlock and kBlockMap
  std::span<const Choice> choices = {};
  std::string_view schema = {};  // with kSpecial: a JSON Schema, of one item if it is a list
  uint64_t min = 0;              // counts, bytes, or nanoseconds
  uint64_t max = std::numeric_limits<uint64_t>::max();
  bool list = false;
  bool required = false;
  bool non_empty = false;          // a list with at least one item
  Code empty = Code::kMissingKey;  // of a list that is empty
  bool none = false;               // `none` may be written
  bool later = false;              // known, refused as not available yet
};

/// Which keys of a mapping go together.
enum class KeyRuleKind : uint8_t { kExactlyOne, kAtMostOne, kTogether };

struct KeyRule {
  KeyRuleKind kind = KeyRuleKind::kExactlyOne;
  std::array<std::string_view, 4> keys = {};  // unused ones are empty
  Code code = Code::kExclusiveKeys;
};

/// The keys of one mapping. Those of `more` are valid too, and decode into more_of(block).
struct BlockSpec {
  std::string_view name = {};  // "a route", "limits": for messages
  std::string_view doc = {};
  std::span<const Field> fields = {};
  std::span<const KeyRule> rules = {};
  const BlockSpec* more = nullptr;
  void* (*more_of)(void* block) = nullptr;
};

/// The table of a model struct: specialised in the sources beside it.
template <class T>
const BlockSpec& BlockOf();

/// Bounds and values in the unit of the field: "10s", "64KiB", "7".
std::string FormatQuantity(FieldType type, uint64_t value);

/// The whole file's table (config::Model).
const BlockSpec& RootBlock();

}  // namespace headgate::config
