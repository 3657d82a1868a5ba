// JSON documents of the control plane: reading with limits, building, writing. Boost.JSON stays behind these names.
// A Value is owned by whoever holds it.
// Any thread, one at a time per value; never on the request path (it allocates), which has base/json/escape.h.
#pragma once

#include <absl/status/statusor.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/limits.h"

namespace headgate::base::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

struct ParseLimits {
  size_t bytes_max = kJsonBytesMax;
  size_t depth_max = kJsonDepthMax;
};

// Reads one document (RFC 8259), nothing before or behind it but blanks. InvalidArgument names the byte where it breaks
// off, ResourceExhausted the limit that it exceeds. Of two members with one name the last counts.
absl::StatusOr<Value> Parse(std::string_view text, const ParseLimits& limits = {});

// In one line, members in the order of insertion.
std::string Serialize(const Value& value);
// With two blanks of indentation per level and a line break at the end, for people.
std::string SerializePretty(const Value& value);

}  // namespace headgate::base::json
