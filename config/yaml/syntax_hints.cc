#include "config/yaml/syntax_hints.h"

#include <algorithm>

#include "config/text.h"

namespace headgate::config {
namespace {

size_t IndentOf(std::string_view line) { return std::min(line.find_first_not_of(" \t-"), line.size()); }

bool HasTab(std::string_view line) { return line.substr(0, IndentOf(line)).find('\t') != line.npos; }

// The word around `at`, up to what ends one in a flow collection.
std::string_view WordAt(std::string_view line, size_t at) {
  constexpr std::string_view kEnds = " ,{}\t\r";
  at = std::min(at, line.size());
  size_t begin = at;
  while (begin > 0 && kEnds.find(line[begin - 1]) == kEnds.npos && (line[begin - 1] != '[' || begin == 1)) --begin;
  const size_t end = std::min(line.find_first_of(kEnds, at), line.size());
  std::string_view word = line.substr(begin, end - begin);
  while (word.ends_with(']')) word.remove_suffix(1);
  return word;
}

// "name:web": a key whose colon has no space behind it. A port or a URL has none either.
bool LacksSpace(std::string_view line) {
  const std::string_view entry = line.substr(IndentOf(line));
  const size_t colon = entry.find(':');
  if (colon == entry.npos || colon == 0 || colon + 1 >= entry.size()) return false;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return std::all_of(entry.begin(), entry.begin() + static_cast<ptrdiff_t>(colon), is_letter) &&
         entry[colon + 1] != ' ' && entry.substr(colon + 1, 2) != "//" && entry.find(": ") == entry.npos;
}

// A value without quotes that holds what ends a value or begins another thing.
std::string ValueToQuote(std::string_view line) {
  const size_t colon = line.find(": ", IndentOf(line));
  if (colon == line.npos) return {};
  for (size_t at = line.find(": "); at != line.npos; at = line.find(": ", at + 1)) {
    const std::string_view value = line.substr(at + 2);
    if (value.starts_with("[::"))
      return "quote the address: \"" + std::string(value.substr(0, value.find_first_of(" ,}\r"))) + '"';
    const bool plain = !value.empty() && std::string_view("\"'{[").find(value.front()) == std::string_view::npos;
    const std::string_view word = value.substr(0, value.find_first_of(" ,\r"));
    const size_t bracket = word.find_first_of("[{");
    if (plain && bracket != word.npos && bracket > 0)
      return "quote a value with brackets or braces in it: regex: \"/v[0-9]+\"";
  }
  const bool second = line.find(": ", colon + 2) != line.npos && line.find_first_of("{[\"'", colon) == line.npos;
  return second ? "quote a value that holds ': '" : std::string();
}

}  // namespace

std::string SyntaxHint(std::string_view above, std::string_view line, size_t at) {
  if (HasTab(line) || HasTab(above)) return "a tab stands in the indentation: YAML takes spaces only";
  if (LacksSpace(above) || LacksSpace(line)) return "a space is missing behind ':'";
  const std::string_view word = WordAt(line, at);
  constexpr std::string_view kReserved = "*&@`%!|>";
  if (!word.empty() && kReserved.find(word.front()) != kReserved.npos) return "quote it: \"" + std::string(word) + '"';
  if (std::string value = ValueToQuote(line); !value.empty()) return value;
  if (!above.empty() && IndentOf(line) != IndentOf(above) && at <= IndentOf(line) + 1) {
    return "it is indented differently from the lines above, or one of them is not closed";
  }
  if (IndentOf(line) > IndentOf(above) && above.find(": ") != above.npos) {
    return "it is indented more than the line above, which has its value already";
  }
  return {};
}

}  // namespace headgate::config
