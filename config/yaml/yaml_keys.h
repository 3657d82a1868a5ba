// The keys of a mapping: words, each once, no merge keys.
// Owned by nobody: a function.
// Control thread.
#pragma once

#include <cstdint>

#include "config/diagnostic.h"
#include "config/yaml/yaml_node.h"

namespace headgate::config {

/// Reports what is wrong with the keys of node `mapping`; a merge key is marked as reported.
void CheckKeys(YamlTree& tree, uint32_t mapping, uint32_t file, DiagnosticList& diagnostics);

}  // namespace headgate::config
