// What the text of a field may be, by the field's type, and what is said of text that is not.
// Nobody owns it: functions of a table's field.
// Any thread.
#pragma once

#include <string>
#include <string_view>

#include "config/diagnostic.h"
#include "config/fields/fields.h"

namespace headgate::config {

/// What a field wants, for messages.
std::string Wanted(const Field& field);

/// The code under which a text of this type is refused.
Code CodeOf(FieldType type);

/// Why the field cannot take this text; empty: it can. Only for types whose value is the text itself.
std::string TextProblem(const Field& field, std::string_view text);

}  // namespace headgate::config
