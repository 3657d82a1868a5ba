// The JSON Schema of the configuration file, for editors and validators.
// Owned by nobody: a function over the table of fields.
// Any thread.
#pragma once

#include <string>

namespace headgate::config {

/// JSON Schema 2020-12 of the main file, indented, with a newline at its end. Says every key, its meaning, bounds and
/// default; keys that are not available yet are not in it.
std::string SchemaJson();

}  // namespace headgate::config
