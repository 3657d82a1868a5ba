// The token that the admin listener asks for, out of its file.
// Functions.
// Any thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace headgate::control {

/// Without white space around it, 4096 bytes at most. An error when the file cannot be read or holds no token.
absl::StatusOr<std::string> ReadToken(const std::string& path);

}  // namespace headgate::control
