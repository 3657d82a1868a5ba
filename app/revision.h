// The commit that the binary was built from, for headgate_build_info.
// A constant; app/CMakeLists.txt writes its definition.
// Any thread.
#pragma once

namespace headgate::app {

/// "c024c9134bb0", with "-dirty" behind it when the tree had changes; "unknown" outside a repository.
extern const char kRevision[];

}  // namespace headgate::app
