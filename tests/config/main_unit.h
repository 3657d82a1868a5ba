// The main file of a test's set.
// Functions.
// Any thread.
#pragma once

#include <string>
#include <utility>

#include "config/unit.h"

namespace headgate::config {

inline Unit Main(std::string text) { return {"headgate.yaml", std::move(text), UnitKind::kMain}; }

}  // namespace headgate::config
