// Keys as other proxies and the Ingress write them, and what they are called here.
// Nobody owns it: a constant table.
// Any thread.
#pragma once

#include <string_view>

namespace headgate::config {

/// What to write in place of `word` in the block that is named `place` (BlockSpec::name), or empty. Upper and lower
/// case, '-' and '_' do not matter.
std::string_view ForeignWord(std::string_view place, std::string_view word);

}  // namespace headgate::config
