// Label values of the exposition, and the quick way through strings of the access log.
// Stateless.
// Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headgate::metrics {

// `name="value"` with backslash, quote and newline escaped and each byte of bad UTF-8 as U+FFFD: one bad byte would
// make the scraper refuse the whole exposition.
void AppendLabel(std::string& out, std::string_view name, std::string_view value);

// Copies `text` to `out` (which has room for it) if every byte stands for itself in JSON: printable ASCII without quote
// and backslash. False, with `out` undefined, if not.
bool CopyIfPlain(std::string_view text, char* out) noexcept;

}  // namespace headgate::metrics
