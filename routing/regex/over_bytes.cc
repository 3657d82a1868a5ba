#include "routing/regex/over_bytes.h"

#include <algorithm>
#include <cstddef>

namespace headgate::routing {
namespace {

bool IsHigh(char c) noexcept { return (static_cast<unsigned char>(c) & 0x80U) != 0; }

// "(?i)", "(?si:", "(?i-s)".
bool IgnoresCase(std::string_view pattern) noexcept {
  constexpr std::string_view kFlags = "(?";
  for (size_t at = pattern.find(kFlags); at != std::string_view::npos; at = pattern.find(kFlags, at + 1)) {
    const std::string_view flags = pattern.substr(at + kFlags.size());
    if (flags.substr(0, flags.find_first_not_of("imsU")).find('i') != std::string_view::npos) return true;
  }
  return false;
}

// The size of the class that `pattern` begins with, '[' and ']' included.
size_t ClassBytes(std::string_view pattern) noexcept {
  size_t at = pattern.starts_with("[^") ? 2 : 1;
  if (at < pattern.size() && pattern[at] == ']') ++at;  // first, it is a member
  while (at < pattern.size() && pattern[at] != ']') {
    const size_t named = pattern.substr(at).starts_with("[:") ? pattern.find(":]", at) : std::string_view::npos;
    if (named != std::string_view::npos) {
      at = named + 2;
    } else {
      at += pattern[at] == '\\' ? 2 : 1;
    }
  }
  return std::min(at + 1, pattern.size());
}

}  // namespace

const char* FaultOverBytes(std::string_view pattern) noexcept {
  const bool any_high = std::any_of(pattern.begin(), pattern.end(), IsHigh);
  if (any_high && IgnoresCase(pattern)) return "case can be ignored in ASCII only, a pattern matches bytes";
  while (!pattern.empty()) {
    size_t bytes = 1;
    if (pattern.front() == '[') {
      bytes = ClassBytes(pattern);
      const std::string_view members = pattern.substr(0, bytes);
      if (std::any_of(members.begin(), members.end(), IsHigh)) {
        return "a class holds a character outside of ASCII, a pattern matches bytes: write (?:a|b)";
      }
    } else if (pattern.front() == '\\' && pattern.size() > 1) {
      if (pattern[1] == 'p' || pattern[1] == 'P') return "there is no \\p, a pattern matches bytes";
      bytes = 2;
    } else if (IsHigh(pattern.front()) && pattern.size() > 1 &&
               std::string_view("*+?{").find(pattern[1]) != std::string_view::npos) {
      return "a character outside of ASCII is repeated, a pattern matches bytes: write (?:...) around it";
    }
    pattern.remove_prefix(bytes);
  }
  return nullptr;
}

}  // namespace headgate::routing
