// Text to YamlTree: the only place that knows yaml-cpp, whose exceptions end here.
// Owned by nobody: a function.
// Control thread.
#pragma once

#include <cstdint>
#include <string>

#include "config/diagnostic.h"
#include "config/yaml/yaml_node.h"

namespace headgate::config {

// Bounds on one file. 100,000 routes in one file are about 15 MiB.
inline constexpr size_t kFileBytesMax = 32 * 1024 * 1024;
inline constexpr size_t kFileNodesMax = 8 * 1024 * 1024;
inline constexpr size_t kFileDepthMax = 32;

/// Reads one YAML 1.2 document. Problems (syntax, duplicate keys, anchors, aliases, tags, a second document, the bounds
/// above, bytes that are not UTF-8) are added to `diagnostics`; after a syntax error the tree is empty. An empty file
/// is an empty tree.
YamlTree ReadYaml(const std::string& text, uint32_t file, DiagnosticList& diagnostics);

/// The same by yaml-cpp alone, for text within the bounds: what the quick reader (plain_yaml.h) is compared with.
YamlTree ReadAnyYaml(const std::string& text, uint32_t file, DiagnosticList& diagnostics);

}  // namespace headgate::config
