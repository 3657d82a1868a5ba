#include "base/json/json.h"

#include <absl/strings/str_cat.h>

#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>

namespace headgate::base::json {
namespace {

void AppendPretty(const Value& value, size_t depth, std::string& out);

void BreakLine(size_t depth, std::string& out) {
  out.push_back('\n');
  out.append(2 * depth, ' ');
}

void AppendPretty(const Object& object, size_t depth, std::string& out) {
  out.push_back('{');
  bool first = true;
  for (const auto& member : object) {
    if (!first) out.push_back(',');
    first = false;
    BreakLine(depth + 1, out);
    const boost::json::string name(member.key());
    out += boost::json::serialize(name);
    out += ": ";
    AppendPretty(member.value(), depth + 1, out);
  }
  if (!first) BreakLine(depth, out);
  out.push_back('}');
}

void AppendPretty(const Array& array, size_t depth, std::string& out) {
  out.push_back('[');
  bool first = true;
  for (const Value& element : array) {
    if (!first) out.push_back(',');
    first = false;
    BreakLine(depth + 1, out);
    AppendPretty(element, depth + 1, out);
  }
  if (!first) BreakLine(depth, out);
  out.push_back(']');
}

void AppendPretty(const Value& value, size_t depth, std::string& out) {
  if (const Object* object = value.if_object()) {
    AppendPretty(*object, depth, out);
  } else if (const Array* array = value.if_array()) {
    AppendPretty(*array, depth, out);
  } else {
    out += boost::json::serialize(value);
  }
}

}  // namespace

absl::StatusOr<Value> Parse(std::string_view text, const ParseLimits& limits) {
  if (text.size() > limits.bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("JSON of ", text.size(), " bytes, at most ", limits.bytes_max, " are allowed"));
  }
  boost::json::parse_options options;
  options.max_depth = limits.depth_max;
  boost::json::parser parser({}, options);
  boost::json::error_code error;
  const size_t read = parser.write_some(text.data(), text.size(), error);
  if (error == boost::json::error::too_deep) {
    return absl::ResourceExhaustedError(
        absl::StrCat("JSON nests deeper than ", limits.depth_max, " levels at byte ", read));
  }
  if (!error && read < text.size()) error = boost::json::error::extra_data;
  if (error) return absl::InvalidArgumentError(absl::StrCat("JSON breaks off at byte ", read, ": ", error.message()));
  return parser.release();
}

std::string Serialize(const Value& value) { return boost::json::serialize(value); }

std::string SerializePretty(const Value& value) {
  std::string out;
  AppendPretty(value, 0, out);
  out.push_back('\n');
  return out;
}

}  // namespace headgate::base::json
