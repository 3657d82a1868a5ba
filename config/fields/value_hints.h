// What was probably meant by a value that cannot be read, and by one that can but not as its author believes.
// Nobody owns it: functions.
// Any thread.
#pragma once

#include <string>
#include <string_view>

#include "config/fields/fields.h"
#include "config/yaml/yaml_node.h"

namespace headgate::config {

/// For a value that `field` refused: what to write in its place. Empty: nobody knows.
std::string ValueHint(const Field& field, const Node& node);

/// A value that is valid and is taken to the letter, though it looks as if it had a meaning (a `*` in a prefix, a
/// variable). `problem` is empty if it does not.
struct Literal {
  std::string problem;
  std::string hint;
};
Literal LiteralProblem(const Field& field, std::string_view text);

/// Whether `text` holds what other programs take for a variable or a template: `${PORT}`, `$host`, `{{ x }}`, `%[src]`.
bool HoldsVariable(std::string_view text);

}  // namespace headgate::config
