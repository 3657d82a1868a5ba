// What a reload found, in words: for the terminal, the log and those who asked for it.
// Functions.
// Any thread.
#pragma once

#include <chrono>
#include <string>

#include "control/loader.h"
#include "control/state.h"

namespace headgate::control {

/// All problems as a compiler prints them; empty when there are none.
std::string ProblemsOf(const Loader::Loaded& loaded);

/// The same as a JSON array (config::RenderJson).
std::string ProblemsAsJson(const Loader::Loaded& loaded);

/// One line a problem, and one for the result. `current` is in force after it (may be null).
void LogReload(const ReloadReport& report, const proxy::Snapshot* current);

/// "2026-11-21T15:04:05.123Z".
std::string TimeText(base::WallTime time);
/// The same of a time that may be beyond the clock's years, such as 9999.
std::string TimeText(std::chrono::sys_seconds time);

}  // namespace headgate::control
