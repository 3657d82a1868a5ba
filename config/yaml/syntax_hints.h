// What is probably wrong with a line that is not YAML.
// Nobody owns it: a function.
// Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headgate::config {

/// `above` is the last line with something on it before `line`; `at` is where the reader stopped, in bytes. Empty:
/// nobody knows.
std::string SyntaxHint(std::string_view above, std::string_view line, size_t at);

}  // namespace headgate::config
