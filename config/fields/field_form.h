// How a field is written, for who wrote another kind of value or a key that is not there.
// Nobody owns it: functions of the table of fields.
// Any thread.
#pragma once

#include <string>

#include "config/fields/fields.h"
#include "config/yaml/yaml_node.h"

namespace headgate::config {

/// "write path: {prefix: /api}", with the value that `node` holds in the place where it was probably meant. Empty where
/// the table has no example (Field::form). `item`: the node stands in the field's list.
std::string FormHint(const Field& field, const Node& node, bool item);

/// For a key that `spec` does not have: how it is called here, where it belongs, or the keys of this place.
std::string UnknownKeyHint(std::string_view key, const BlockSpec& spec);

}  // namespace headgate::config
