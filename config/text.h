// Small helpers over text: JSON strings, line starts, UTF-8, edit distance.
// Owned by nobody: functions.
// Any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::config {

/// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD (RFC 8259 section 8.1).
void AppendJsonString(std::string& out, std::string_view text);

/// Offsets at which lines begin; LF, CRLF and a lone CR end a line, as in YAML 1.2 section 5.4.
std::vector<uint32_t> LineStarts(std::string_view text);

/// Bytes of the UTF-8 character at the front of `text`, 0 if it is not well-formed (RFC 3629: no surrogates, no
/// overlong forms).
size_t Utf8Length(std::string_view text);

/// Characters in `text`, counting every byte that does not continue one.
uint32_t CountColumns(std::string_view text);

/// Insertions, deletions, replacements and swaps of neighbours between two words of at most 64 bytes, ignoring
/// case. More than `most`: most + 1.
size_t EditDistance(std::string_view a, std::string_view b, size_t most);

/// The candidate that was probably meant, or empty. Candidates past the first 10,000 are not looked at.
std::string_view NearestWord(std::string_view word, std::span<const std::string_view> candidates);

/// "did you mean 'x'?" or empty.
std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates);

/// `text` between single quotes, shortened, with control characters replaced: for messages.
std::string Quoted(std::string_view text);

/// ASCII lower case.
std::string Lower(std::string_view text);

}  // namespace headgate::config
