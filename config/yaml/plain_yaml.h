// A quick reader for the plain part of YAML that nearly every configuration is written in. What it does not know for
// certain it leaves to yaml-cpp (yaml_reader.h), which takes 40 microseconds for a route.
// Owned by nobody: a function.
// Control thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "config/diagnostic.h"
#include "config/yaml/yaml_node.h"

namespace headgate::config {

/// Fills `tree` with exactly what ReadAnyYaml would give, and returns true; or returns false, and `tree` is of no use.
/// Plain means: block mappings and sequences, flow collections, comments, and scalars on one line, plain or quoted with
/// the usual escapes. Not: tabs, carriage returns, document marks, anchors, tags, block scalars, empty values.
bool ReadPlainYaml(std::string_view text, uint32_t file, DiagnosticList& diagnostics, YamlTree& tree);

}  // namespace headgate::config
